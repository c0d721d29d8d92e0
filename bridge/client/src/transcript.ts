/**
 * What page and agent sign and compare: hashes over labelled parts, see
 * "Keys and transcripts" in the protocol page.
 */

/** Bytes as WebCrypto takes them. */
export type Bytes = Uint8Array<ArrayBuffer>;

export const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

const publicKeySize = 65;
const signatureSize = 64;

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** Joins parts to one. */
export function concat(...parts: Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** SHA-256 over the label and the parts, each behind its length, so that no two lists of parts read the same. */
export async function transcript(label: string, ...parts: Bytes[]): Promise<Bytes> {
  const pieces = [utf8(`postern/v1/${label}`), ...parts].flatMap((part) => {
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, part.length);
    return [size, part];
  });
  return new Uint8Array(await crypto.subtle.digest('SHA-256', concat(...pieces)));
}

/** The six digits that page and agent show for a pairing. */
export async function comparisonCode(pairing: Bytes): Promise<string> {
  const { buffer } = await transcript('code', pairing);
  return String(new DataView(buffer).getBigUint64(0) % 1_000_000n).padStart(6, '0');
}

/** Whether the key signed the transcript. A key or a signature that is none did not. */
export async function verify(publicKey: Bytes, signed: Bytes, signature: Bytes): Promise<boolean> {
  if (publicKey.length !== publicKeySize || signature.length !== signatureSize) return false;
  try {
    const key = await crypto.subtle.importKey('raw', publicKey, ecdsa, false, ['verify']);
    return await crypto.subtle.verify(ecdsa, key, signature, signed);
  } catch {
    return false;
  }
}

export function equal(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function base64(bytes: Bytes): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Undefined for what is not the base64 of anything, as another spelling of the same bytes is. */
export function fromBase64(text: unknown): Bytes | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return base64(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}
