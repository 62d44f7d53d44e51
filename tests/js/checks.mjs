// Runs what a module exports, one check after the other: node checks.mjs MODULE URL MODEL. A line of JSON says how each went.
const [module, url, model] = process.argv.slice(2);
const { checks } = await import(`./${module}.mjs`);

for (const [name, check] of Object.entries(checks)) {
  let error = null;
  try {
    await check(url, model);
  } catch (failure) {
    error = String(failure?.stack ?? failure);
  }
  console.log(JSON.stringify({ name, error }));
}
process.exit(0);
