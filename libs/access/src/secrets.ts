import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  pbkdf2Sync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/** Keys for one purpose each, made from `AUTH_SECRET`, so that a token of one kind never passes as another. */
export interface DerivedKeys {
  /** Names the secret that they were made from; travels as `kid`. */
  id: string;
  api: Buffer;
  media: Buffer;
  lookup: Buffer;
  seal: Buffer;
}

export function deriveKeys(secret: string): DerivedKeys {
  const derive = (purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, 'rovercast', purpose, 32));
  return {
    id: createHash('sha256').update(derive('id')).digest('hex').slice(0, 8),
    api: derive('api'),
    media: derive('media'),
    lookup: derive('lookup'),
    seal: derive('seal'),
  };
}

/** `rk` keys belong to robots, `sk` keys to users, `rt` are refresh tokens. */
export type SecretKind = 'rk' | 'sk' | 'rt';

/** A 256-bit random secret that shows what it is: `rk_` and 43 URL-safe characters. */
export function newSecret(kind: SecretKind): string {
  return `${kind}_${randomBytes(32).toString('base64url')}`;
}

/**
 * The keyed hash under which a secret is stored and looked up. A fast hash is right for it: it has 256 bits of entropy
 * (OWASP ASVS 5.0, 6.5.2).
 */
export function hashSecret(keys: DerivedKeys, secret: string): Buffer {
  return createHmac('sha256', keys.lookup).update(secret).digest();
}

/** Whether two texts are equal, in a time that does not tell where they differ. */
export function equalSecrets(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}

const BROKER_ITERATIONS = 101;

/**
 * A password as Mosquitto 2 keeps it in its password file: `$7$` iterations `$` salt `$` PBKDF2-SHA-512. The number of rounds is
 * Mosquitto's own; it is low, and enough for a secret of 256 random bits.
 */
export function brokerVerifier(secret: string): string {
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(secret, salt, BROKER_ITERATIONS, 64, 'sha512');
  return `$7$${BROKER_ITERATIONS}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** A text that only holders of the keys can read (AES-256-GCM: IV, tag, ciphertext). */
export function seal(keys: DerivedKeys, text: string): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keys.seal, iv);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
}

/** What was sealed. @throws Error when it was sealed with other keys or changed since */
export function open(keys: DerivedKeys, sealed: Buffer): string {
  const decipher = createDecipheriv('aes-256-gcm', keys.seal, sealed.subarray(0, IV_BYTES));
  decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const text = decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES));
  return Buffer.concat([text, decipher.final()]).toString('utf8');
}
