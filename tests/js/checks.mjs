// Runs what a module exports, one check after the other: node checks.mjs MODULE URL MODEL, and what else its
// checks are given. A line of JSON says how each went.
const [module, ...given] = process.argv.slice(2);
const { checks } = await import(`./${module}.mjs`);

for (const [name, check] of Object.entries(checks)) {
  let error = null;
  try {
    await check(...given);
  } catch (failure) {
    error = String(failure?.stack ?? failure);
  }
  console.log(JSON.stringify({ name, error }));
}
process.exit(0);
