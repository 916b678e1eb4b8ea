/**
 * Who may import whom. The rooms and their directions are described in docs/decisions/0001-the-house.md.
 */
const only = (name, comment, packages, rooms) => ({
  name,
  comment,
  severity: 'error',
  from: { path: '^(src|mikro-orm\\.config)', pathNot: rooms },
  to: { path: packages.map((each) => `node_modules/${each}`) },
});

const room = (name, allowed) => ({
  name: `${name}-imports`,
  comment: `src/${name} may import only itself and: ${allowed.join(', ')}`,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: { path: '^(src|test)/', pathNot: [`^src/${name}/`, ...allowed.map((each) => `^src/${each}`)] },
});

const ports = ['media/(ports|media-asset|policy)\\.ts$', 'errors\\.ts$'];

/** Whoever moves many bytes tells of it; the heap is the process's. */
const garbage = 'garbage\\.ts$';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    // Examples know the package by its own name.
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^mediakeep/client|/dist/' } },
    { name: 'no-tests-in-src', severity: 'error', from: { path: '^src' }, to: { path: '^test' } },
    room('media', ['errors\\.ts$']),
    room('storage', [...ports, garbage]),
    room('database', ports),
    room('imaging', [...ports, garbage]),
    room('video', ports),
    room('graphql', ['media/', 'errors\\.ts$']),
    room('rest', ['media/', 'errors\\.ts$']),
    room('http', ['media/', 'errors\\.ts$', garbage]),
    room('client', []),
    room('web', ['client/']),
    {
      name: 'only-the-composition-root-is-imported-by-main',
      severity: 'error',
      from: { path: '^src/(?!app\\.ts|main\\.ts|worker\\.ts|migrate\\.ts|token\\.ts|doctor\\.ts|reconcile\\.ts)[^/]+\\.ts$' },
      to: { path: '^src/.+/', pathNot: '^src/media/policy' },
    },
    {
      name: 'the-application-knows-no-framework',
      comment: 'src/media may use node:* and small pure libraries only',
      severity: 'error',
      from: { path: '^src/media/' },
      to: { path: 'node_modules/', pathNot: 'node_modules/(file-type|@node-rs/crc32)' },
    },
    only('gcs-fence', '@google-cloud/storage only in storage/', ['@google-cloud/storage'], '^src/storage/'),
    only(
      'orm-fence',
      '@mikro-orm/* and pg only in database/',
      ['@mikro-orm/', 'pg/', 'pg-boss/'],
      '^(src/database/|mikro-orm\\.config)',
    ),
    only('sharp-fence', 'sharp only in imaging/', ['sharp/'], '^src/imaging/'),
    only(
      'graphql-fence',
      'graphql and type-graphql only in graphql/',
      ['graphql/', 'type-graphql/', '@apollo/server/'],
      '^src/(graphql|client)/',
    ),
    {
      name: 'the-page-stays-small',
      comment: 'src/web is sent to browsers: the SDK and these packages only',
      severity: 'error',
      from: { path: '^src/web/' },
      to: { path: 'node_modules/', pathNot: 'node_modules/(preact|@preact/signals|thumbhash)/' },
    },
    only('page-fence', 'preact only in web/', ['preact/', '@preact/'], '^src/web/'),
    only('zod-fence', 'zod only in config.ts', ['zod/'], '^src/config\\.ts'),
  ],
  options: {
    // What a build has left is no source: examples reach it by the package's own name.
    doNotFollow: { path: 'node_modules|^dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      mainFields: ['module', 'main', 'types', 'typings'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
