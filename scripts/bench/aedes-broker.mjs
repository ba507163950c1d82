// The broker that `npm start` embeds, in a process of its own.
import { createRequire } from 'node:module';
import { stackPart } from './paths.mjs';
import { serve } from './helper.mjs';

const { startBroker } = createRequire(import.meta.url)(stackPart('broker'));

serve(async ({ authnUrl, hookSecret }) => {
  const { url } = await startBroker({ host: '127.0.0.1', port: 0, authnUrl, hookSecret });
  return { facts: { url } };
});
