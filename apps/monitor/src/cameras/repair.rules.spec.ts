import { pathsToRepair, pulledPath, type PulledPath, type WantedPath } from './repair.rules';

const config = pulledPath('rtsp://u:p@vms/1');
const wanted: WantedPath = { name: 'cameras/c1', config };
const holding = (...configs: [string, PulledPath][]): Map<string, PulledPath> => new Map(configs);

it('pulls while somebody watches, over TCP', () => {
  expect(config).toEqual({
    source: 'rtsp://u:p@vms/1',
    sourceOnDemand: true,
    sourceOnDemandCloseAfter: '10s',
    rtspTransport: 'tcp',
  });
});

it.each<[string, WantedPath[], string[], Map<string, PulledPath>, unknown[]]>([
  ['leaves what is right', [wanted], [], holding(['cameras/c1', { ...config }]), []],
  [
    'sets what is missing',
    [wanted],
    [],
    holding(),
    [{ do: 'set', name: 'cameras/c1', config, why: 'missing' }],
  ],
  [
    'sets a source that changed',
    [wanted],
    [],
    holding(['cameras/c1', pulledPath('rtsp://u:old@vms/1')]),
    [{ do: 'set', name: 'cameras/c1', config, why: 'changed' }],
  ],
  [
    'sets what somebody else turned into something that runs all the time',
    [wanted],
    [],
    holding(['cameras/c1', { ...config, sourceOnDemand: false }]),
    [{ do: 'set', name: 'cameras/c1', config, why: 'changed' }],
  ],
  [
    'sets another time to close',
    [wanted],
    [],
    holding(['cameras/c1', { ...config, sourceOnDemandCloseAfter: '1m0s' }]),
    [{ do: 'set', name: 'cameras/c1', config, why: 'changed' }],
  ],
  [
    'sets another transport',
    [wanted],
    [],
    holding(['cameras/c1', { ...config, rtspTransport: 'udp' }]),
    [{ do: 'set', name: 'cameras/c1', config, why: 'changed' }],
  ],
  [
    'deletes what is gone',
    [],
    ['cameras/c1'],
    holding(['cameras/c1', config]),
    [{ do: 'delete', name: 'cameras/c1' }],
  ],
  ['deletes nothing twice', [], ['cameras/c1'], holding(), []],
  [
    'deletes nothing that the table does not know: it may have been emptied',
    [],
    [],
    holding(['cameras/c1', config], ['cameras/c2', config], ['all_others', config]),
    [],
  ],
  [
    'leaves alone what it cannot read',
    [{ name: 'cameras/c1', config: undefined }],
    [],
    holding(['cameras/c1', config]),
    [],
  ],
  ['does not set what it cannot read', [{ name: 'cameras/c1', config: undefined }], [], holding(), []],
  [
    'does not mix up names that begin alike',
    [wanted],
    [],
    holding(['cameras/c10', config]),
    [{ do: 'set', name: 'cameras/c1', config, why: 'missing' }],
  ],
])('%s', (_, all, gone, configured, repairs) => {
  expect(pathsToRepair(all, gone, configured)).toEqual(repairs);
});

it('has nothing left to do after its own repairs', () => {
  const all = Array.from({ length: 500 }, (_, index) => ({
    name: `cameras/c${index}`,
    config: pulledPath(`rtsp://vms/${index}`),
  }));
  const configured = holding(['cameras/c3', pulledPath('rtsp://vms/old')], ['cameras/x', config]);
  for (const repair of pathsToRepair(all, ['cameras/x'], configured)) {
    if (repair.do === 'delete') configured.delete(repair.name);
    else configured.set(repair.name, repair.config);
  }
  expect(configured.size).toBe(500);
  expect(pathsToRepair(all, ['cameras/x'], configured)).toEqual([]);
});
