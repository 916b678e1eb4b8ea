import { startOnBucket } from '../support/bucket-server.ts';
import { describeJourney } from './journey.ts';

describeJourney('a bucket that is redirected to', (environment) => startOnBucket('redirect', environment));
describeJourney('a bucket that is proxied', (environment) => startOnBucket('proxy', environment));
