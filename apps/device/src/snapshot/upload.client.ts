import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

const TIMEOUT_MS = 10_000;

/**
 * PUTs a JPEG to an URL with a one-time token. Redirects are not followed: the token is for this address alone.
 * @throws Error with the status, or why there was none
 */
export function uploadJpeg(url: string, token: string, picture: Buffer): Promise<void> {
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sending = request(url, {
      method: 'PUT',
      agent: false,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'image/jpeg',
        'content-length': picture.length,
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    sending.on('error', (error) => reject(new Error(`the upload failed: ${error.message}`)));
    sending.on('response', (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      if (statusCode >= 200 && statusCode < 300) resolve();
      else reject(new Error(`the upload was answered with ${statusCode}`));
    });
    sending.end(picture);
  });
}
