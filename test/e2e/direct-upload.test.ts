import { startTestServer } from '../support/server.ts';
import { describeDirectUpload } from './direct-upload.ts';

describeDirectUpload('disk', startTestServer);
