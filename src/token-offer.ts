/** Whoever asked under the name `host` (a `Host` header) may be shown this token; undefined: none. */
export type TokenOffer = (host: string | undefined) => string | undefined;

/**
 * Offers a development token to pages that were asked for under a name of this machine or under `publicUrl`'s. A foreign name that was made to lead here (DNS
 * rebinding) would let its page read what only ours should.
 */
export function offerToken(token: string | undefined, publicUrl: () => string): TokenOffer {
  return (host) => {
    const name = nameOf(host);
    const isOurs = name !== undefined && (loopback.test(name) || name === URL.parse(publicUrl())?.hostname);
    return isOurs ? token : undefined;
  };
}

/** RFC 6761 6.3 for the name, RFC 1122 3.2.1.3 and RFC 4291 2.5.3 for the addresses. */
const loopback = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/;

function nameOf(host: string | undefined): string | undefined {
  return host === undefined ? undefined : URL.parse(`http://${host}`)?.hostname;
}
