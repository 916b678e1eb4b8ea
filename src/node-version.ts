/**
 * Imported first by every entry point, and run before the start: an older Node than the one the npm scripts bring would fail later and less clearly, as
 * it does at V8's flags of `npm start`, which Node 22 does not know.
 */
const [major = 0] = process.versions.node.split('.').map(Number);

if (major < 24) {
  process.stderr.write(
    `Mediakeep needs Node 24 or later; this is ${process.versions.node}. On Linux \`npm ci\` brings it along for the npm scripts; elsewhere install it and try again.\n`,
  );
  process.exit(1);
}
