import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { DomainError } from '@rovercast/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { JPEG_MAX_BYTES } from './jpeg.rules';

/** The one route that takes pictures. */
const UPLOAD_ROUTE = '/v1/snapshots/:id';

/** Lets Fastify take `image/jpeg`, where pictures are uploaded and nowhere else. */
@Injectable()
export class JpegParser implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    fastify.addContentTypeParser(
      'image/jpeg',
      async (request: FastifyRequest, body: AsyncIterable<Buffer>) => {
        if (request.method !== 'PUT' || request.routeOptions.url !== UPLOAD_ROUTE)
          throw new DomainError('UNSUPPORTED_MEDIA_TYPE', 'send application/json');
        return read(body, Number(request.headers['content-length'] ?? 0));
      },
    );
  }
}

async function read(body: AsyncIterable<Buffer>, announcedBytes: number): Promise<Buffer> {
  const tooLarge = (): DomainError =>
    new DomainError('PAYLOAD_TOO_LARGE', `a picture has at most ${JPEG_MAX_BYTES} bytes`);
  if (announcedBytes > JPEG_MAX_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > JPEG_MAX_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
