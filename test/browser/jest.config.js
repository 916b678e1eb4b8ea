import base from '../../jest.config.js';

/** What only a browser can show. Needs Chromium: CHROMIUM_PATH, or /usr/bin/chromium. */
export default {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/browser/**/*.test.ts'],
  testTimeout: 180_000,
  // Much of it waits for slow lines.
  maxWorkers: 2,
};
