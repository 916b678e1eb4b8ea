import { startOnBucket } from '../support/bucket-server.ts';
import { describeDirectUpload } from './direct-upload.ts';

describeDirectUpload('a bucket', (environment) => startOnBucket('redirect', environment));
