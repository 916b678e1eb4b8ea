import type { OutgoingHttpHeaders } from 'node:http';

/** One answer, decided but not yet sent: a fault can let the work happen and still lose the answer. */
export type Reply = { status: number; headers: OutgoingHttpHeaders; body: Buffer };

/** How an API spells its errors: the JSON API, the XML API, or the bare text of the upload server. */
export type Dialect = 'json' | 'xml' | 'text';

/**
 * A refusal. `reason` is the JSON API's `errors[].reason`; `xmlCode` the XML API's `<Code>`.
 * `dialect` overrides the dialect of the path: the upload server answers session faults in plain text.
 */
export class HttpFailure extends Error {
  readonly status: number;
  readonly reason: string;
  readonly xmlCode: string;
  readonly dialect: Dialect | undefined;
  readonly headers: OutgoingHttpHeaders;

  constructor(status: number, reason: string, message: string, more: FailureDetails = {}) {
    super(message);
    this.name = 'HttpFailure';
    this.status = status;
    this.reason = reason;
    this.xmlCode = more.xmlCode ?? XML_CODES[status] ?? 'InvalidArgument';
    this.dialect = more.dialect;
    this.headers = more.headers ?? {};
  }
}

type FailureDetails = { xmlCode?: string; dialect?: Dialect; headers?: OutgoingHttpHeaders };

/** A JSON answer. */
export function jsonReply(status: number, value: unknown, headers: OutgoingHttpHeaders = {}): Reply {
  const body = Buffer.from(JSON.stringify(value));
  return { status, headers: { 'content-type': 'application/json; charset=UTF-8', ...headers }, body };
}

/** A plain text answer; `''` is an empty body. */
export function textReply(status: number, text: string, headers: OutgoingHttpHeaders = {}): Reply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body: Buffer.from(text) };
}

/** Spells a refusal in `dialect`, unless the refusal insists on its own. */
export function failureReply(failure: HttpFailure, dialect: Dialect): Reply {
  const spoken = failure.dialect ?? dialect;
  if (failure.status === 304) return { status: 304, headers: failure.headers, body: Buffer.alloc(0) };
  if (spoken === 'text') return textReply(failure.status, failure.message, failure.headers);
  if (spoken === 'xml') return xmlFailure(failure);
  return jsonReply(failure.status, errorResource(failure), failure.headers);
}

/** 400 with the JSON API's reason `invalid`. */
export function invalid(message: string): HttpFailure {
  return new HttpFailure(400, 'invalid', message);
}

/** 404 for an object that is not there. */
export function noSuchObject(bucket: string, name: string): HttpFailure {
  return new HttpFailure(404, 'notFound', `No such object: ${bucket}/${name}`, { xmlCode: 'NoSuchKey' });
}

const XML_CODES: Record<number, string> = {
  401: 'AuthenticationRequired',
  403: 'AccessDenied',
  404: 'NoSuchKey',
  405: 'MethodNotAllowed',
  412: 'PreconditionFailed',
  416: 'InvalidRange',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};

function errorResource(failure: HttpFailure): unknown {
  const { status, message, reason } = failure;
  return { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } };
}

function xmlFailure(failure: HttpFailure): Reply {
  const details = `<Message>${escapeXml(failure.message)}</Message>`;
  const body = Buffer.from(`<?xml version='1.0' encoding='UTF-8'?><Error><Code>${failure.xmlCode}</Code>${details}</Error>`);
  return { status: failure.status, headers: { 'content-type': 'application/xml; charset=UTF-8', ...failure.headers }, body };
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
