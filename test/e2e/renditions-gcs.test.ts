import { startOnBucket } from '../support/bucket-server.ts';
import { describeRenditions } from './renditions.ts';

describeRenditions('a bucket that is redirected to', () => startOnBucket('redirect'), { redirects: true });
describeRenditions('a bucket that is proxied', () => startOnBucket('proxy'));
