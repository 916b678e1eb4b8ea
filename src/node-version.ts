/**
 * Imported first by every entry point. A bare `node file.js` may be an older Node than the one the npm scripts bring; without this guard
 * it would fail later and less clearly.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `Mediakeep needs Node 22.18 or later; this is ${process.versions.node}. Start it with \`npm start\`, whose install brings the right one along.\n`,
  );
  process.exit(1);
}
