import { query } from '../support/database.ts';
import { overRest, type WireUpload } from '../support/direct-door.ts';
import type { WireAsset } from '../support/doors.ts';
import { bigMp4 } from '../support/media/big-mp4.ts';
import { acceptedImages } from '../support/media.ts';
import { tokenOf } from '../support/server.ts';
import { putBytes } from '../support/session-put.ts';
import type { Scene, Way } from './walk.ts';

/** The ways of uploads in a form, deletions, renditions and sweeps, with a video that takes a few writes or, in a bucket, a few chunks. */
export async function waysFor(driver: 'disk' | 'bucket'): Promise<Way[]> {
  const [image] = await acceptedImages();
  if (image === undefined) throw new Error('There is no image');
  // A disk takes 512 KiB at a time, a bucket 8 MiB.
  const layout = { sizeBytes: driver === 'disk' ? 700_000 : 9_000_000 };
  const video = Buffer.concat(await (await bigMp4(layout)).toArray());
  const uploadImage = ({ door }: Scene): Promise<WireAsset> =>
    door.upload({ kind: 'IMAGE', name: image.name, bytes: image.bytes });
  const uploadVideo = ({ door }: Scene): Promise<WireAsset> => door.upload({ kind: 'VIDEO', name: 'film.mp4', bytes: video });
  const nothing = async (): Promise<void> => undefined;
  return [
    {
      name: 'image',
      operation: 'upload',
      prepare: nothing,
      begin: uploadImage,
      decidedBy: 'commit',
      isThereInTheEnd: true,
      untilSwept: 'hours',
    },
    {
      name: 'video',
      operation: 'upload',
      prepare: nothing,
      begin: uploadVideo,
      decidedBy: 'commit',
      isThereInTheEnd: true,
      untilSwept: 'hours',
    },
    {
      name: 'delete',
      operation: 'remove',
      prepare: uploadImage,
      begin: async ({ door }) => {
        const { items } = await door.list();
        return await door.remove(items[0]?.id ?? '');
      },
      decidedBy: 'startDeletion',
      isThereInTheEnd: false,
      untilSwept: 'hours',
    },
    {
      name: 'rendition',
      operation: 'openLink',
      prepare: uploadImage,
      begin: async ({ door, victim, user }) => {
        const { items } = await door.list();
        return await (await fetch(await renditionOf(victim, user, items[0]?.id ?? ''))).arrayBuffer();
      },
      decidedBy: undefined,
      isThereInTheEnd: true,
      // What was being written for an asset that stays is nobody's to sweep until it is a day old.
      untilSwept: 'day',
    },
    {
      name: 'sweep',
      operation: 'sweep',
      // What it finds: an upload whose process died just before its commit, and a deletion whose process died right after its first statement.
      prepare: async (scene) => {
        await unfinish(scene, await uploadImage(scene), 'UPLOADING');
        await unfinish(scene, await uploadImage(scene), 'DELETING');
      },
      begin: async ({ victim }) => victim.sweep(),
      decidedBy: undefined,
      isThereInTheEnd: false,
      untilSwept: 'hours',
    },
  ];
}

/** The ways of a direct upload. One that is not complete is gone in the end, because its session is over when the sweep comes. */
export async function directWaysFor(driver: 'disk' | 'bucket'): Promise<Way[]> {
  const film = Buffer.concat(await (await bigMp4({ sizeBytes: 700_000 })).toArray());
  const announcement = { kind: 'VIDEO' as const, filename: 'film.mp4', mimeType: 'video/mp4', size: film.length };
  const uploads = new Map<Scene, WireUpload>();
  const announce = async (scene: Scene): Promise<void> => {
    uploads.set(scene, await overRest(scene.victim, await tokenOf(scene.user)).create(announcement));
  };
  const urlOf = (scene: Scene): string => uploads.get(scene)?.url ?? '';
  const idOf = (scene: Scene): string => uploads.get(scene)?.id ?? '';
  const send = (scene: Scene): Promise<unknown> => putBytes(urlOf(scene), film);
  const unfinished = { decidedBy: undefined, isThereInTheEnd: false, untilSwept: 'hours' } as const;
  const ways: Way[] = [
    { name: 'announce', operation: 'createUpload', prepare: async () => undefined, begin: announce, ...unfinished },
    {
      name: 'complete',
      operation: 'completeUpload',
      prepare: async (scene) => {
        await announce(scene);
        await send(scene);
      },
      begin: async (scene) => await overRest(scene.victim, await tokenOf(scene.user)).complete(idOf(scene)),
      decidedBy: 'commit',
      isThereInTheEnd: true,
      untilSwept: 'hours',
    },
    {
      name: 'take back',
      operation: 'remove',
      prepare: async (scene) => {
        await announce(scene);
        await putBytes(urlOf(scene), film.subarray(0, 262_144), { range: `bytes 0-262143/${film.length}` });
      },
      begin: async (scene) => await scene.door.remove(idOf(scene)),
      ...unfinished,
    },
  ];
  // A bucket receives by itself.
  if (driver === 'bucket') return ways;
  return [
    ...ways,
    { name: 'receive', operation: 'receive', prepare: announce, begin: send, ...unfinished },
    { name: 'finish', operation: 'finish', prepare: announce, begin: send, ...unfinished },
  ];
}

/** The link to a rendition, which makes it when it is opened. */
async function renditionOf(server: { url: string }, user: string, id: string): Promise<string> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${await tokenOf(user)}` },
    body: JSON.stringify({ query: `{ media(id: "${id}") { ... on ImageAsset { rendition(width: 16) { url } } } }` }),
  });
  const { data } = (await response.json()) as { data: { media: { rendition: { url: string } } } };
  return data.media.rendition.url;
}

/** Puts an asset back, or forward, to where a crash leaves one, two hours ago. */
async function unfinish({ installation, user }: Scene, asset: WireAsset, status: 'UPLOADING' | 'DELETING'): Promise<void> {
  const reserved = status === 'UPLOADING' ? 'size_bytes' : '0';
  await query(
    installation.databaseUrl,
    `with moved as (
      update media_assets set status = '${status}', reserved_bytes = ${reserved}, alive_at = now() - interval '2 hours'
      where id = '${asset.id}' returning size_bytes
    )
    update media_usage set asset_count = asset_count - 1, size_bytes = media_usage.size_bytes - moved.size_bytes,
      reserved_bytes = reserved_bytes + ${reserved.replace('size', 'moved.size')}
    from moved where user_id = '${user}'`,
  );
}
