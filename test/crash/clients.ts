import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beginUpload, graphqlUpload, restUpload } from '../support/cut-off.ts';
import { type Door, DoorError, type FileToSend, type WireAsset } from '../support/doors.ts';
import { graphqlClient } from '../support/graphql-door.ts';
import { acceptedImages, acceptedVideos } from '../support/media.ts';
import { restClient } from '../support/rest-door.ts';
import { tokenOf } from '../support/server.ts';
import { sha256Of } from './installation.ts';

/** What one client knows at the end. Assets are told apart by the SHA-256 of their bytes, of which no two are alike. */
export interface Knowledge {
  readonly user: string;
  /** It was told that they are there. */
  readonly acknowledged: Set<string>;
  /** The connection broke before an answer: there or not. */
  readonly unknown: Set<string>;
  /** It was told that they are gone. */
  readonly deleted: Set<string>;
  /** It asked for their deletion and got no answer. */
  readonly perhapsDeleted: Set<string>;
  /** Uploads that it cut off itself. */
  cutOff: number;
  /** Codes of refusals. */
  readonly refused: string[];
}

/** What a client is to do. */
export interface Plan {
  readonly user: string;
  readonly uploads: number;
  /** 0 to 1. */
  readonly shareCutOff: number;
  readonly shareDeleted: number;
  /** The servers that listen at this moment. */
  readonly servers: () => readonly string[];
  /** 0 up to 1. */
  readonly random: () => number;
}

/** A client that uploads, one file after the other, cutting some off, and deletes a few: over both doors, on whichever server it meets. */
export async function runClient(plan: Plan): Promise<Knowledge> {
  const { user, random } = plan;
  const knowledge: Knowledge = {
    user,
    acknowledged: new Set(),
    unknown: new Set(),
    deleted: new Set(),
    perhapsDeleted: new Set(),
    cutOff: 0,
    refused: [],
  };
  const token = await tokenOf(user);
  for (let index = 0; index < plan.uploads; index += 1) {
    await sleep(random() * 2500);
    const file = await uniqueFile(random);
    const url = await pickServer(plan);
    if (random() < plan.shareCutOff) {
      await cutOff({ url }, token, file, random);
      knowledge.cutOff += 1;
      continue;
    }
    const door = (random() < 0.5 ? graphqlClient : restClient)({ url }, token);
    const asset = await send(door, file, knowledge);
    if (asset !== undefined && random() < plan.shareDeleted)
      await remove(restClient({ url: await pickServer(plan) }, token), asset, knowledge);
  }
  return knowledge;
}

async function send(door: Door, file: FileToSend, knowledge: Knowledge): Promise<WireAsset | undefined> {
  const sha256 = sha256Of(file.bytes);
  try {
    const asset = await door.upload(file);
    if (asset.sha256 !== sha256 || asset.size !== file.bytes.length) throw new Error(`Other bytes than were sent: ${asset.id}`);
    knowledge.acknowledged.add(sha256);
    return asset;
  } catch (error) {
    if (error instanceof DoorError) knowledge.refused.push(error.code);
    else if (isBrokenConnection(error)) knowledge.unknown.add(sha256);
    else throw error;
    return undefined;
  }
}

async function remove(door: Door, { id, sha256 }: WireAsset, knowledge: Knowledge): Promise<void> {
  try {
    await door.remove(id);
    knowledge.deleted.add(sha256);
  } catch (error) {
    if (!isBrokenConnection(error)) throw error;
    knowledge.perhapsDeleted.add(sha256);
  }
}

/** Sends a random part of the file, never all of it, and leaves without a word. */
async function cutOff(server: { url: string }, token: string, { kind, bytes }: FileToSend, random: () => number): Promise<void> {
  const form = (random() < 0.5 ? graphqlUpload : restUpload)(kind === 'IMAGE' ? 'image' : 'video', token);
  const upTo = Math.floor(random() * bytes.length);
  try {
    const socket = await beginUpload(server, form, bytes.length);
    socket.on('error', () => undefined);
    const step = 64 * 1024;
    for (let sent = 0; sent < upTo && !socket.destroyed; sent += step) {
      socket.write(bytes.subarray(sent, Math.min(upTo, sent + step)));
      await sleep(random() * 20);
    }
    socket.destroy();
  } catch (error) {
    if (!isBrokenConnection(error)) throw error;
  }
}

async function pickServer({ servers, random }: Plan): Promise<string> {
  for (;;) {
    const urls = servers();
    const url = urls[Math.floor(random() * urls.length)];
    if (url !== undefined) return url;
    await sleep(20);
  }
}

/** fetch fails with a TypeError, a socket with a code. (Their classes are not those of the realm that a test runs in.) */
function isBrokenConnection(error: unknown): boolean {
  const { name, code } = error as { name?: unknown; code?: unknown };
  return !(error instanceof DoorError) && (name === 'TypeError' || typeof code === 'string');
}

/** A real picture or film with noise at its end, where a decoder does not look: 2 KB to 1 MB. */
async function uniqueFile(random: () => number): Promise<FileToSend> {
  if (random() < 0.6) {
    const [image] = await images();
    return { kind: 'IMAGE', name: 'noisy.jpg', bytes: Buffer.concat([image, randomBytes(16 + Math.floor(random() * 400_000))]) };
  }
  const [video] = await videos();
  const noise = randomBytes(16 + Math.floor(random() * 1_000_000));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + noise.length);
  head.write('free', 4, 'latin1');
  return { kind: 'VIDEO', name: 'noisy.mp4', bytes: Buffer.concat([video, head, noise]) };
}

const images = once(async () => (await acceptedImages()).slice(0, 1).map(({ bytes }) => bytes) as [Buffer]);
const videos = once(async () => (await acceptedVideos()).slice(0, 1).map(({ bytes }) => bytes) as [Buffer]);

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
