import { defineConfig } from 'vite';

/** The library page (src/web): plain files in dist/web, which src/http/page.ts serves. */
export default defineConfig({
  root: 'src/web',
  // Relative, so that the page also lives below a path of PUBLIC_URL.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../../dist/web',
    emptyOutDir: true,
    target: 'es2024',
    // Nothing inline: the page's policy allows no script or picture that is not a file of ours.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
