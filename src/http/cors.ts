import type { FastifyCorsOptions } from '@fastify/cors';

/** Which pages may call us from a browser: origins such as `https://app.example`, `*` among them for all; any port of this machine; or none. */
export type CorsOrigins = readonly string[] | 'localhost' | 'none';

/** Whether pages of `origin` may. */
export function allowsOrigin(origins: CorsOrigins, origin: string): boolean {
  if (origins === 'none') return false;
  if (origins === 'localhost') return localhost.test(origin);
  return origins.includes('*') || origins.includes(origin);
}

/** What browsers are told: everything our doors take and answer with. */
export function corsSettings(origins: Exclude<CorsOrigins, 'none'>): FastifyCorsOptions {
  return {
    origin: origins === 'localhost' ? localhost : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'Content-Range',
      'X-Goog-Hash',
      'Apollo-Require-Preflight',
      'X-Apollo-Operation-Name',
      'Idempotency-Key',
      'If-None-Match',
      'Range',
    ],
    exposedHeaders: ['Link', 'Location', 'ETag', 'Retry-After', 'X-Request-Id', 'Content-Range', 'Accept-Ranges', 'Range'],
    maxAge: 3600,
    strictPreflight: false,
  };
}

const localhost = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
