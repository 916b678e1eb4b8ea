import { startOnBucket } from '../support/bucket-server.ts';
import { startTestServer } from '../support/server.ts';
import { describeUnfinishedDirectUploads } from './direct-upload-unfinished.ts';

describeUnfinishedDirectUploads('disk', startTestServer);
describeUnfinishedDirectUploads('a bucket', (environment) => startOnBucket('redirect', environment));
