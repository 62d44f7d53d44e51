import { request } from '@/api/client'

/** The drawing of a benchmark as a PNG of twice its size. Throws ApiError, or Error where the browser cannot draw it. */
export async function pngOf(address: string): Promise<Blob> {
  const svg = await (await request(address)).text()
  const source = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }))
  try {
    const image = new Image()
    image.src = source
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.width = image.width * 2
    canvas.height = image.height * 2
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
    return await new Promise((done, failed) => {
      canvas.toBlob((blob) => {
        if (blob) done(blob)
        else failed(new Error('no image'))
      }, 'image/png')
    })
  } finally {
    URL.revokeObjectURL(source)
  }
}

/** Hands `blob` to the browser's downloads. */
export function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  URL.revokeObjectURL(address)
}
