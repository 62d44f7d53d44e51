// Runs before the first paint, as a file because no script may stand in the page: the chosen theme and language, with no flash.
;(function () {
  var read = function (key) {
    try {
      return localStorage.getItem(key)
    } catch {
      return null
    }
  }
  var theme = read('dovetail.theme')
  if (theme !== 'light' && theme !== 'dark') {
    theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  }
  var language = read('dovetail.language')
  if (language !== 'ko' && language !== 'en') {
    language = /^ko\b/i.test(navigator.language) ? 'ko' : 'en'
  }
  document.documentElement.dataset.theme = theme
  document.documentElement.lang = language
})()
