import { StreamProfile, type StreamWish } from '@rovercast/contracts';
import type { EncoderService } from '../encoder/encoder.service';
import { CameraRuntime } from './camera.runtime';

const SESSION = '01890000-0000-7000-8000-000000000001';

const aWish: StreamWish = {
  v: 1,
  requestId: 'q1',
  version: 1,
  state: 'on',
  sessionId: SESSION,
  camera: 'main',
  leaseTtlMs: 1_000,
  issuedAt: 0,
  ingest: { url: 'rtsp://127.0.0.1:9/robots/r1', protocol: 'rtsp', token: 'T', tokenExpiresAt: 60_000 },
};

describe('a camera whose lease runs out', () => {
  let clock: jest.SpyInstance<number, []>;
  const stop = jest.fn();

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['performance'] });
    clock = jest.spyOn(performance, 'now').mockReturnValue(0);
  });
  afterEach(() => {
    clock.mockRestore();
    jest.useRealTimers();
    stop.mockClear();
  });

  /** A pretend encoder that runs until it is told to stop, and says `live` when the test does. */
  function aCamera(): { runtime: CameraRuntime; live: () => void } {
    let tellLive: () => void = () => undefined;
    const encoders = {
      commandFor: () => Promise.resolve({}),
      start: (_command: unknown, on: { live: () => void }) => {
        tellLive = on.live;
        return { pid: 1, stop, stats: undefined };
      },
    } as unknown as EncoderService;
    const silent = { report: () => undefined, askSync: () => undefined, failure: () => undefined };
    const camera = { name: 'main', source: { kind: 'test' } } as never;
    return {
      runtime: new CameraRuntime(camera, new StreamProfile(), encoders, silent),
      live: () => tellLive(),
    };
  }

  it('stops although the end of the lease falls between what it is told and the timer that it sets', async () => {
    const { runtime, live } = aCamera();
    runtime.tell({ type: 'wish', wish: aWish, carrier: 'cmd', leaseMs: 1_000 });
    await jest.advanceTimersByTimeAsync(0);
    expect(runtime.running).toBe(true);
    clock.mockReturnValue(1_001).mockReturnValueOnce(999);
    live();
    clock.mockReturnValue(1_002);
    await jest.advanceTimersByTimeAsync(5);
    expect(runtime.state).toMatchObject({ wanted: false, cause: 'lease_expired' });
    expect(stop).toHaveBeenCalledTimes(1);
  });
});
