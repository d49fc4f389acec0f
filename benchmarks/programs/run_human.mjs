// Runs the npm package @vladmandic/human (WebAssembly: its fastest back end that needs no native build) on frames:
// node run_human.mjs RAW WIDTH HEIGHT FOLDER, where FOLDER holds node_modules. Face, mesh and emotion are on, the rest off.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [, , raw, width, height, folder] = process.argv;
const modules = path.join(path.resolve(folder), 'node_modules');
const require = createRequire(path.join(path.resolve(folder), 'package.json'));
const wasm = require('@tensorflow/tfjs-backend-wasm');
const { Human } = require(path.join(modules, '@vladmandic/human/dist/human.node-wasm.js'));
const dist = path.join(modules, '@tensorflow/tfjs-backend-wasm/dist/');
wasm.setWasmPaths(dist);
const off = { enabled: false };
// Models and WebAssembly are files here; the package fetches them as a browser would.
const download = globalThis.fetch;
globalThis.fetch = async (address, options) => {
  const name = typeof address === 'string' ? address : address.url;
  if (!name.startsWith('file:') && !name.startsWith('/')) return download(address, options);
  const bytes = fs.readFileSync(name.startsWith('file:') ? new URL(name) : name);
  const type = name.endsWith('.wasm') ? 'application/wasm' : name.endsWith('.json') ? 'application/json' : 'application/octet-stream';
  return new Response(bytes, { headers: { 'content-type': type } });
};
const human = new Human({
  backend: 'wasm', wasmPath: dist, modelBasePath: `file://${path.join(modules, '@vladmandic/human/models')}/`, debug: false,
  face: { enabled: true, detector: { maxDetected: 5 }, mesh: { enabled: true }, emotion: { enabled: true }, iris: off, description: off, antispoof: off, liveness: off },
  body: off, hand: off, object: off, gesture: off, segmentation: off, filter: off,
});
await human.load();
await human.tf.ready();
const bytes = fs.readFileSync(raw);
const size = width * height * 3;
const times = [];
let faces = 0;
let first = null;
for (let at = 0; at < bytes.length; at += size) {
  const rgb = Buffer.from(bytes.subarray(at, at + size));
  for (let i = 0; i < rgb.length; i += 3) [rgb[i], rgb[i + 2]] = [rgb[i + 2], rgb[i]];
  const start = process.hrtime.bigint();
  const input = human.tf.tensor(rgb, [1, +height, +width, 3], 'float32');
  const found = await human.detect(input);
  human.tf.dispose(input);
  times.push(Number(process.hrtime.bigint() - start) / 1e6);
  faces += found.face.length;
  first ??= Number(process.hrtime.bigint()) / 1e9;
}
console.log(JSON.stringify({ version: Human.version ?? require(path.join(modules, '@vladmandic/human/package.json')).version, first_s: first, frame_ms: times, faces }));
