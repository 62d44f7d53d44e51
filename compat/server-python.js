// Starts Dovetail as the MLX server was: `node server-python.js`, at port 8081, with the models of `models/` beside you.
const { spawn } = require('node:child_process');
const models = require('node:fs').existsSync('models') ? ['--models-dir', 'models'] : [];
const server = spawn('dovetail', ['serve', '--port', '8081', ...models, ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.kill(signal));
server.on('error', () => {
  console.error('dovetail is not here: install it by "pip install -r requirements.txt", in the environment in use');
  process.exit(69);
});
server.on('exit', (code) => process.exit(code ?? 1));
