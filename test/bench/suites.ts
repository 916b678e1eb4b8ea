import { delivery } from './delivery.ts';
import { floods } from './floods.ts';
import { gcs } from './gcs.ts';
import { images } from './images.ts';
import { list } from './list.ts';
import { memory } from './memory.ts';
import { sessions } from './sessions.ts';
import type { Suite } from './stage.ts';
import { uploads } from './uploads.ts';

/** Every suite, by the name that asks for it. A new one is a file beside this and a line here. */
export const suites: Readonly<Record<string, Suite>> = { uploads, memory, list, floods, gcs, images, delivery, sessions };
