import { UPLOAD_QUANTUM_BYTES } from './byte-log.ts';
import { parseGoogHash, verifyChecksums } from './checksums.ts';
import { checkConditions, conditionsFromQuery } from './conditions.ts';
import { type ContentRange, parseContentRange } from './content-range.ts';
import type { Emulated } from './emulated.ts';
import { type Exchange, headerOf, readBody } from './exchange.ts';
import { type Fault, type Outcome, underFault } from './faults.ts';
import { checkObjectName, legacyAcl, readResource } from './object-settings.ts';
import { HttpFailure, invalid, jsonReply, type Reply, textReply } from './reply.ts';
import { Intake, type UploadSession } from './session.ts';
import { objectResource } from './store.ts';

/** `uploadType=resumable`: opens a session and answers with its URI in `Location`. */
export async function startSession(emulated: Emulated, exchange: Exchange): Promise<Reply> {
  const bucket = emulated.store.bucket(exchange.record.bucket ?? '');
  const uniformAccess = bucket.options.uniformBucketLevelAccess === true;
  if (uniformAccess && exchange.query.has('predefinedAcl')) throw legacyAcl();
  const body = (await readBody(exchange)).toString();
  const isJson = /^application\/json\b/.test(headerOf(exchange, 'content-type') ?? '');
  if (body !== '' && !isJson) throw invalid('Unsupported content type.');
  const resource = readResource(body, uniformAccess);
  // "name: overrides the object metadata's name value, if any" (Objects: insert).
  const name = exchange.query.get('name') ?? resource.name ?? '';
  checkObjectName(name);
  const contentType = resource.settings.contentType ?? headerOf(exchange, 'x-upload-content-type');
  if (contentType !== undefined) resource.settings.contentType = contentType;
  const conditions = conditionsFromQuery(exchange.query);
  if (emulated.settings.checkPreconditionsAtStart) checkConditions(bucket.objects.get(name), conditions, 'write');
  const session = emulated.sessions.open({
    bucket: bucket.options.name,
    name,
    resource,
    conditions,
    origin: headerOf(exchange, 'origin'),
    pinnedBytes: readPinnedBytes(headerOf(exchange, 'x-upload-content-length')),
  });
  exchange.record.name = name;
  exchange.record.uploadId = session.start.uploadId;
  return textReply(200, '', { location: sessionUri(emulated, session), 'x-guploader-uploadid': session.start.uploadId });
}

/** The bearer secret of a session: whoever holds it may write, and needs no token. */
export function sessionUri(emulated: Pick<Emulated, 'url'>, session: UploadSession): string {
  const { bucket, name, uploadId } = session.start;
  const query = new URLSearchParams({ uploadType: 'resumable', name, upload_id: uploadId });
  return `${emulated.url}/upload/storage/v1/b/${bucket}/o?${query}`;
}

/** DELETE on a session URI: 499 as documented; a finished upload is not undone. */
export function cancelSession(emulated: Emulated, session: UploadSession): Reply {
  if (session.state === 'finished') throw sessionFailure(404, 'The upload is complete and can no longer be cancelled.');
  if (session.state !== 'live') return lastWord(emulated, session);
  session.state = 'cancelled';
  return textReply(499, '');
}

/** PUT or POST on a session URI: bytes, a status query or the end of the upload. Sets the record's kind. */
export async function putToSession(emulated: Emulated, exchange: Exchange, session: UploadSession): Promise<Outcome> {
  const range = parseContentRange(headerOf(exchange, 'content-range'));
  exchange.record.kind = kindOf(session, range, contentLength(exchange));
  const carried = carriedBytes(range, contentLength(exchange));
  const fault = emulated.faults.take(exchange.record, carried);
  const source = exchange.request.iterator({ destroyOnReturn: false });
  const intake = carried && new Intake(session, source, { start: carried.start, end: carried.declaredEnd });
  try {
    if (session.state === 'live' && intake !== undefined && fault !== undefined && strikesMidway(fault)) {
      checkRange(session, range, contentLength(exchange));
      await intake.receive(fault.afterBytes);
    }
    return await (strikeSession(fault, session) ??
      underFault(fault, () => answerPut(emulated, exchange, { session, range, intake })));
  } finally {
    // Lets go of the request, so that the server can drain what nobody wants.
    await source.return?.();
  }
}

type Put = { session: UploadSession; range: ContentRange | undefined; intake: Intake | undefined };

async function answerPut(emulated: Emulated, exchange: Exchange, put: Put): Promise<Reply> {
  const { session, range, intake } = put;
  if (session.state !== 'live') return lastWord(emulated, session);
  const checked = checkRange(session, range, contentLength(exchange));
  if (checked.kind === 'query' && checked.total === session.heldBytes) return finish(emulated, exchange, session);
  if (checked.kind === 'query') return progress(session);
  if (intake === undefined) throw sessionFailure(400, 'A request with a byte range needs a body.');
  await intake.receive(Number.POSITIVE_INFINITY);
  if (intake.overran || (checked.end !== undefined && intake.end !== checked.end)) {
    throw sessionFailure(400, 'The Content-Range header does not match the number of bytes in the request.');
  }
  // Another request may have finished, cancelled or killed the upload while these bytes were on their way.
  if (session.state !== 'live') return lastWord(emulated, session);
  if (!completes(checked)) return progress(session);
  if (intake.end !== (checked.total ?? intake.end)) throw wrongTotal(intake.end, checked.total ?? 0);
  if (intake.end < session.heldBytes) throw wrongTotal(intake.end, session.heldBytes);
  intake.finish();
  return finish(emulated, exchange, session);
}

function finish(emulated: Emulated, exchange: Exchange, session: UploadSession): Reply {
  const { bucket, name, resource, conditions, pinnedBytes } = session.start;
  // Whatever is refused from here on ends the session: its bytes cannot be mended.
  session.state = 'dead';
  if (pinnedBytes !== undefined && pinnedBytes !== session.heldBytes) throw wrongTotal(session.heldBytes, pinnedBytes);
  verifyChecksums(session.bytes, resource);
  verifyChecksums(session.bytes, parseGoogHash(headerOf(exchange, 'x-goog-hash')));
  session.object = emulated.store.bucket(bucket).insert(name, session.bytes, resource.settings, conditions);
  session.state = 'finished';
  return jsonReply(200, objectResource(session.object, emulated.url));
}

/** 308 with what is held; no Range header when that is nothing. */
function progress(session: UploadSession): Reply {
  const range = session.heldBytes === 0 ? {} : { range: `bytes=0-${session.heldBytes - 1}` };
  return textReply(308, '', { ...range, 'x-guploader-uploadid': session.start.uploadId });
}

function strikeSession(fault: Fault | undefined, session: UploadSession): Reply | undefined {
  if (fault?.action === 'no-progress') return progress(session);
  if (fault?.action !== 'expire') return undefined;
  session.state = 'dead';
  throw sessionFailure(410, 'The upload session is gone.');
}

/** What an ended session answers to everything: its object, 499 after a cancel, 410 after a fatal refusal. */
function lastWord(emulated: Emulated, session: UploadSession): Reply {
  if (session.object !== undefined) return jsonReply(200, objectResource(session.object, emulated.url));
  if (session.state === 'cancelled') throw sessionFailure(499, 'The upload was cancelled.');
  throw sessionFailure(410, 'The upload session is gone.');
}

/** Holds a range against the session; remembers the total it names. Only a malformed header ends the session. */
function checkRange(session: UploadSession, range: ContentRange | undefined, length: number | undefined): ContentRange {
  if (range === undefined) {
    session.state = 'dead';
    throw sessionFailure(400, 'Failed to parse Content-Range header.');
  }
  const { total } = range;
  const knownTotal = session.start.pinnedBytes ?? session.announcedBytes;
  if (total !== undefined && knownTotal !== undefined && total !== knownTotal) throw wrongTotal(total, knownTotal);
  if (range.kind === 'query' && (length ?? 0) > 0) throw sessionFailure(400, 'A status query must not have a body.');
  if (range.kind === 'data') checkData(session, range, length);
  if (range.kind === 'data' && total !== undefined) session.announcedBytes = total;
  return range;
}

function checkData(session: UploadSession, range: ContentRange & { kind: 'data' }, length: number | undefined): void {
  const { start, end } = range;
  const total = range.total ?? session.start.pinnedBytes ?? session.announcedBytes;
  if (end !== undefined && length !== undefined && length !== end - start) {
    throw sessionFailure(400, `Content-Range names ${end - start} byte(s), but Content-Length is ${length}.`);
  }
  if (total !== undefined && end !== undefined && end > total) throw wrongTotal(end, total);
  if (start > session.heldBytes) throw gap(start, session.heldBytes);
  if (end !== undefined && !completes(range) && (end - start) % UPLOAD_QUANTUM_BYTES !== 0) throw oddChunk(end - start);
}

function completes({ end, total }: ContentRange & { kind: 'data' }): boolean {
  return end === undefined || end === total;
}

function kindOf(
  session: UploadSession,
  range: ContentRange | undefined,
  length: number | undefined,
): 'chunk' | 'final' | 'status' {
  if (range === undefined) return length === 0 ? 'status' : 'chunk';
  if (range.kind === 'data') return completes(range) ? 'final' : 'chunk';
  return session.state === 'live' && range.total === session.heldBytes ? 'final' : 'status';
}

type CarriedBytes = { start: number; end: number; declaredEnd: number | undefined };

function carriedBytes(range: ContentRange | undefined, length: number | undefined): CarriedBytes | undefined {
  if (range?.kind !== 'data') return undefined;
  const declaredEnd = range.end ?? (length === undefined ? undefined : range.start + length);
  return { start: range.start, end: declaredEnd ?? Number.POSITIVE_INFINITY, declaredEnd };
}

function strikesMidway(fault: Fault): fault is Fault & { afterBytes: number } {
  return fault.afterBytes !== undefined && fault.action !== 'lost-answer';
}

function contentLength(exchange: Exchange): number | undefined {
  const header = headerOf(exchange, 'content-length');
  return header === undefined ? undefined : Number(header);
}

function readPinnedBytes(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (!/^\d+$/.test(header)) throw invalid(`Invalid X-Upload-Content-Length: ${header}`);
  return Number(header);
}

function oddChunk(sizeBytes: number): HttpFailure {
  const rule = `The number of bytes uploaded is required to be a multiple of ${UPLOAD_QUANTUM_BYTES}, except for the final request.`;
  return sessionFailure(400, `Invalid request.  ${rule}  The received request contained ${sizeBytes} bytes.`);
}

function gap(start: number, held: number): HttpFailure {
  const offset = `the upload offset is ${start} byte(s), which exceeds already uploaded size of ${held} byte(s)`;
  return sessionFailure(503, `Invalid request.  According to the Content-Range header, ${offset}.`);
}

function wrongTotal(named: number, expected: number): HttpFailure {
  return sessionFailure(
    400,
    `Invalid request.  The total of ${named} byte(s) differs from the ${expected} byte(s) announced before.`,
  );
}

/** The upload server speaks plain text, unlike the API behind it. */
function sessionFailure(status: number, message: string): HttpFailure {
  return new HttpFailure(status, 'invalid', message, { dialect: 'text' });
}
