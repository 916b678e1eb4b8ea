import { startTestServer } from '../support/server.ts';
import { describeJourney } from './journey.ts';

describeJourney('disk', startTestServer);
