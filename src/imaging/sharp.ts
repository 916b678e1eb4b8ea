import sharp from 'sharp';

/*
 * libvips is set up once for the whole process, because it knows no other way; whoever needs sharp imports it from here.
 */

// What it would cache are operations on buffers that never come again.
sharp.cache(false);
// One thread a picture: several pictures at once use the cores better than one picture on all of them, and take less memory.
sharp.concurrency(1);
// libvips happily reads SVG, PDF, TIFF and more, from files too. All loaders are closed, then those of the accepted types opened, from memory only.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadJpegBuffer',
    'VipsForeignLoadPngBuffer',
    'VipsForeignLoadWebpBuffer',
    'VipsForeignLoadNsgifBuffer',
    'VipsForeignLoadHeifBuffer',
  ],
});

/** sharp that reads JPEG, PNG, WebP, GIF and AVIF from memory and nothing else. */
export { sharp };
