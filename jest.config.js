/** Tests run as ES modules through swc; types are checked by tsc (npm run check:types). */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testMatch: ['<rootDir>/test/{unit,contract,e2e,compat}/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  // The package by its own name, as the examples know it, from its sources.
  moduleNameMapper: {
    '^mediakeep/client$': '<rootDir>/src/client/index.ts',
    '^mediakeep/client/(.*)$': '<rootDir>/src/client/$1.ts',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  reporters: ['default', '<rootDir>/test/support/summary-reporter.mjs'],
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts'],
  testTimeout: 30_000,
  maxWorkers: 2,
};
