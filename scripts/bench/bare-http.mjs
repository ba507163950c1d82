// The peer of every HTTP number: node:http and nothing else. It reads a JSON body; 204 as the door answers, or at /json a
// short document as the gateway does.
import { createServer } from 'node:http';
import { serve } from './helper.mjs';

const DOCUMENT = JSON.stringify({
  robotId: 'bench',
  camera: 'main',
  state: 'starting',
  path: 'robots/bench',
});

function answer(request, response, text) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    response.writeHead(400).end();
    return;
  }
  if (request.url !== '/json') {
    response.writeHead(typeof body.path === 'string' ? 204 : 400).end();
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': DOCUMENT.length });
  response.end(DOCUMENT);
}

serve(async () => {
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => answer(request, response, Buffer.concat(chunks).toString()));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { facts: { port: server.address().port } };
});
