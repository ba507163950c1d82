import { settingNames } from '@rovercast/platform';
import { AuthSettings } from '../../apps/auth/src/auth.settings';
import { GatewaySettings } from '../../apps/gateway/src/gateway.settings';
import { MonitorSettings } from '../../apps/monitor/src/monitor.settings';
import type { Manifest } from './schemas';

/** Names that our own containers may be given besides their settings. */
const BESIDES = ['NODE_EXTRA_CA_CERTS'];
const SETTINGS: Record<string, string[]> = {
  auth: settingNames(AuthSettings),
  gateway: settingNames(GatewaySettings),
  monitor: settingNames(MonitorSettings),
  migrations: ['DATABASE_URL', 'AUTH_SECRET'],
};

/** An image has one version and can be no other tomorrow: a digest, or a tag with a number in it and no words like `latest`. */
export const isPinned = (image: string): boolean =>
  /@sha256:[0-9a-f]{64}$/.test(image) || /:v?\d+\.\d+(\.\d+)?(-[\w.-]+)?$/.test(image);

const podOf = (manifest: Manifest): any => manifest.spec?.template?.spec;
const podLabels = (manifest: Manifest): Record<string, string> => manifest.spec.template.metadata.labels;
const containersOf = (manifest: Manifest): any[] => [
  ...(podOf(manifest)?.initContainers ?? []),
  ...(podOf(manifest)?.containers ?? []),
];

/** What an environment name is about: `X_FILE` holds X. */
const settingOf = (variable: string): string => variable.replace(/_FILE$/, '');

/** A rendered overlay, to be asked whether what its objects name is there. */
export class Cluster {
  private readonly workloads: Manifest[];
  private readonly secrets = new Map<string, Set<string>>();

  /** @param given Secrets that people make: name → keys */
  constructor(
    private readonly all: Manifest[],
    given: Record<string, string[]>,
  ) {
    this.workloads = all.filter((each) => podOf(each));
    for (const [name, keys] of Object.entries(given)) this.secrets.set(name, new Set(keys));
    for (const { spec } of this.of('Certificate')) {
      this.secrets.set(spec.secretName, new Set(['tls.crt', 'tls.key', 'ca.crt']));
    }
    for (const { kind, apiVersion, metadata } of all) {
      if (kind === 'Cluster' && apiVersion.startsWith('postgresql.cnpg.io/')) {
        this.secrets.set(
          `${metadata.name}-app`,
          new Set(['uri', 'username', 'password', 'host', 'port', 'dbname']),
        );
      }
    }
  }

  private of(kind: string): Manifest[] {
    return this.all.filter((each) => each.kind === kind);
  }

  private named(kind: string, name: string): Manifest | undefined {
    return this.of(kind).find(({ metadata }) => metadata.name === name);
  }

  /** Everything that names something which is not there, and everything that a careful operator would refuse; one line each. */
  problems(): string[] {
    return [
      ...this.twins(),
      ...this.workloads.flatMap((each) => [...this.volumeProblems(each), ...this.containerProblems(each)]),
      ...this.workloads.flatMap((each) => this.hardening(each)),
      ...this.selectorProblems(),
      ...this.portProblems(),
      ...this.issuerProblems(),
      ...this.policyProblems(),
      ...this.plainSecrets(),
    ];
  }

  private twins(): string[] {
    const ids = this.all.map(({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}`);
    return ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id} is there twice`);
  }

  private secretProblems(where: string, name: string, keys: string[]): string[] {
    const known = this.secrets.get(name);
    if (!known) return [`${where}: there is no Secret ${name}`];
    return keys.filter((key) => !known.has(key)).map((key) => `${where}: Secret ${name} has no ${key}`);
  }

  private volumeProblems(workload: Manifest): string[] {
    const where = `${workload.kind} ${workload.metadata.name}`;
    const volumes: any[] = podOf(workload).volumes ?? [];
    const claims: string[] = (workload.spec.volumeClaimTemplates ?? []).map(
      (claim: any) => claim.metadata.name,
    );
    const names = [...volumes.map(({ name }) => name as string), ...claims];
    const mounted = containersOf(workload).flatMap(({ volumeMounts = [] }) =>
      volumeMounts.map((m: any) => m.name),
    );
    return [
      ...mounted
        .filter((name) => !names.includes(name))
        .map((name) => `${where}: there is no volume ${name}`),
      ...names.filter((name) => !mounted.includes(name)).map((name) => `${where}: nobody mounts ${name}`),
      ...volumes.flatMap(({ secret, configMap }) => [
        ...(secret
          ? this.secretProblems(
              where,
              secret.secretName,
              (secret.items ?? []).map((i: any) => i.key),
            )
          : []),
        ...(configMap ? this.configMapProblems(where, configMap) : []),
      ]),
      ...(this.named('ServiceAccount', podOf(workload).serviceAccountName)
        ? []
        : [`${where}: no such ServiceAccount`]),
    ];
  }

  private configMapProblems(where: string, { name, items = [] }: any): string[] {
    const found = this.named('ConfigMap', name);
    if (!found) return [`${where}: there is no ConfigMap ${name}`];
    return items
      .filter(({ key }: any) => !(key in found.data))
      .map(({ key }: any) => `${where}: ConfigMap ${name} has no ${key}`);
  }

  private containerProblems(workload: Manifest): string[] {
    const where = `${workload.kind} ${workload.metadata.name}`;
    return containersOf(workload).flatMap((container) => {
      const env: any[] = container.env ?? [];
      const known = SETTINGS[container.name];
      return [
        ...(isPinned(container.image) ? [] : [`${where}: ${container.image} is not pinned`]),
        ...env
          .filter(({ name }) => known && !known.includes(settingOf(name)) && !BESIDES.includes(name))
          .map(({ name }) => `${where}: the app has no setting ${name}`),
        ...env.flatMap(({ valueFrom }) =>
          valueFrom?.secretKeyRef
            ? this.secretProblems(where, valueFrom.secretKeyRef.name, [valueFrom.secretKeyRef.key])
            : [],
        ),
        ...env
          .filter(
            ({ name, value }) =>
              value !== undefined && /(SECRET|PASSWORD|TOKEN|_KEY)$/.test(name) && !value.startsWith('/'),
          )
          .map(({ name }) => `${where}: ${name} is a secret in plain sight`),
        ...env
          .filter(({ name, value }) => name.endsWith('_FILE') && !this.isMounted(workload, container, value))
          .map(({ name, value }) => `${where}: ${name} names ${value}, which is in no volume`),
      ];
    });
  }

  /** Whether a file is in what is mounted, as far as we know what is in there. */
  private isMounted(workload: Manifest, { volumeMounts }: any, file: string): boolean {
    const mount = volumeMounts.find(({ mountPath }: any) => file.startsWith(`${mountPath}/`));
    if (!mount) return false;
    const volume = (podOf(workload).volumes as any[]).find(({ name }) => name === mount.name);
    const path = file.slice(mount.mountPath.length + 1);
    if (volume?.secret) {
      const items: any[] | undefined = volume.secret.items;
      return items
        ? items.some((item) => item.path === path)
        : !!this.secrets.get(volume.secret.secretName)?.has(path);
    }
    return volume !== undefined;
  }

  private hardening(workload: Manifest): string[] {
    const where = `${workload.kind} ${workload.metadata.name}`;
    const pod = podOf(workload);
    const lives = workload.kind !== 'Job';
    return [
      ...(pod.securityContext.runAsNonRoot === true ? [] : [`${where} may run as root`]),
      ...(pod.securityContext.seccompProfile?.type === 'RuntimeDefault'
        ? []
        : [`${where} has no seccomp profile`]),
      ...(lives && !pod.topologySpreadConstraints ? [`${where} is not spread over zones`] : []),
      ...containersOf(workload).flatMap(({ name, securityContext, resources }) => [
        ...(securityContext.readOnlyRootFilesystem === true
          ? []
          : [`${where}/${name}: its root can be written`]),
        ...(securityContext.allowPrivilegeEscalation === false ? [] : [`${where}/${name} may gain rights`]),
        ...(securityContext.capabilities?.drop?.includes('ALL')
          ? []
          : [`${where}/${name} keeps capabilities`]),
        ...(resources.limits.memory ? [] : [`${where}/${name} has no limit for memory`]),
      ]),
      ...(lives ? (pod.containers as any[]) : []).flatMap(({ name, ...container }) =>
        ['startupProbe', 'readinessProbe', 'livenessProbe', 'lifecycle']
          .filter((field) => !container[field])
          .map((field) => `${where}/${name} has no ${field}`),
      ),
    ];
  }

  private matches(matchLabels: Record<string, string>, workload: Manifest): boolean {
    const labels = { ...podLabels(workload) };
    // Kubernetes labels each pod of a StatefulSet with its name.
    const podName = matchLabels['statefulset.kubernetes.io/pod-name'];
    if (podName !== undefined && workload.kind === 'StatefulSet') {
      const [, base, number] = /^(.+)-(\d+)$/.exec(podName) ?? [];
      if (base === workload.metadata.name && Number(number) < workload.spec.replicas) {
        labels['statefulset.kubernetes.io/pod-name'] = podName;
      }
    }
    return Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  }

  private workloadsOf(matchLabels: Record<string, string>): Manifest[] {
    return this.workloads.filter((each) => this.matches(matchLabels, each));
  }

  private selectorProblems(): string[] {
    return [
      ...this.workloads
        .filter(({ kind }) => kind !== 'Job')
        .filter((each) => !this.matches(each.spec.selector.matchLabels, each))
        .map(({ kind, metadata }) => `${kind} ${metadata.name} does not select its own pods`),
      ...this.of('PodDisruptionBudget')
        .filter(({ spec }) => this.workloadsOf(spec.selector.matchLabels).length === 0)
        .map(({ metadata }) => `PodDisruptionBudget ${metadata.name} selects nothing`),
      ...this.of('PodDisruptionBudget')
        .filter(({ spec }) =>
          this.workloadsOf(spec.selector.matchLabels).some((w) => spec.minAvailable >= w.spec.replicas),
        )
        .map(({ metadata }) => `PodDisruptionBudget ${metadata.name} holds up every drain`),
      ...this.of('HorizontalPodAutoscaler')
        .filter(({ spec }) => !this.named(spec.scaleTargetRef.kind, spec.scaleTargetRef.name))
        .map(({ metadata }) => `HorizontalPodAutoscaler ${metadata.name} scales nothing`),
      ...this.of('StatefulSet')
        .filter(({ spec }) => this.named('Service', spec.serviceName)?.spec.clusterIP !== 'None')
        .map(
          ({ metadata, spec }) => `StatefulSet ${metadata.name}: ${spec.serviceName} is no headless Service`,
        ),
      ...this.of('ServiceMonitor').flatMap(({ metadata, spec }) => this.monitorProblems(metadata.name, spec)),
    ];
  }

  private monitorProblems(name: string, spec: any): string[] {
    const wanted = [
      ...Object.entries(spec.selector.matchLabels ?? {}).map(([key, value]) => ({ key, values: [value] })),
      ...(spec.selector.matchExpressions ?? []),
    ] as { key: string; values: string[] }[];
    const services = this.of('Service').filter(({ metadata }) =>
      wanted.every(({ key, values }) => values.includes(metadata.labels?.[key] ?? '')),
    );
    return [
      ...(services.length > 0 ? [] : [`ServiceMonitor ${name} selects nothing`]),
      ...(spec.endpoints as any[]).flatMap(({ port, basicAuth, tlsConfig }) => [
        ...services
          .filter((service) => !service.spec.ports.some((each: any) => each.name === port))
          .map((service) => `ServiceMonitor ${name}: Service ${service.metadata.name} has no port ${port}`),
        ...[basicAuth?.username, basicAuth?.password, tlsConfig?.ca?.secret].flatMap((ref) =>
          ref ? this.secretProblems(`ServiceMonitor ${name}`, ref.name, [ref.key]) : [],
        ),
      ]),
    ];
  }

  private hasPort(workload: Manifest, port: string | number, protocol = 'TCP'): boolean {
    return containersOf(workload).some(({ ports = [] }) =>
      ports.some(
        (each: any) =>
          (each.name === port || each.containerPort === port) && (each.protocol ?? 'TCP') === protocol,
      ),
    );
  }

  private portProblems(): string[] {
    return [
      ...this.of('Service').flatMap(({ metadata, spec }) => {
        const behind = this.workloadsOf(spec.selector);
        if (behind.length === 0) return [`Service ${metadata.name} selects nothing`];
        return (spec.ports as any[])
          .filter(
            ({ targetPort, protocol }) => !behind.every((each) => this.hasPort(each, targetPort, protocol)),
          )
          .map(({ targetPort }) => `Service ${metadata.name}: no container has a port ${targetPort}`);
      }),
      ...this.of('Ingress').flatMap(({ metadata, spec }) => [
        ...(spec.tls as any[]).flatMap(({ secretName }) =>
          this.secretProblems(`Ingress ${metadata.name}`, secretName, ['tls.key']),
        ),
        ...(spec.rules as any[])
          .flatMap(({ http }) => http.paths as any[])
          .filter(({ backend: { service } }) => {
            const ports: any[] = this.named('Service', service.name)?.spec.ports ?? [];
            return !ports.some(
              ({ name, port }) => name === service.port.name || port === service.port.number,
            );
          })
          .map(({ path }) => `Ingress ${metadata.name}: nobody is behind ${path}`),
      ]),
      ...this.workloads.flatMap((workload) =>
        containersOf(workload).flatMap((container) =>
          ['startupProbe', 'readinessProbe', 'livenessProbe']
            .map((field) => container[field]?.httpGet?.port ?? container[field]?.tcpSocket?.port)
            .filter((port) => port !== undefined && !this.hasPort(workload, port))
            .map((port) => `${workload.kind} ${workload.metadata.name}: a probe asks port ${port}`),
        ),
      ),
    ];
  }

  private issuerProblems(): string[] {
    return [
      ...this.of('Certificate')
        .filter(({ spec }) => !this.named(spec.issuerRef.kind, spec.issuerRef.name))
        .map(
          ({ metadata, spec }) =>
            `Certificate ${metadata.name}: there is no ${spec.issuerRef.kind} ${spec.issuerRef.name}`,
        ),
      ...this.of('Issuer')
        .filter(({ spec }) => spec.ca)
        .flatMap(({ metadata, spec }) =>
          this.secretProblems(`Issuer ${metadata.name}`, spec.ca.secretName, ['tls.key']),
        ),
      ...this.of('ScheduledBackup')
        .filter(({ spec }) => !this.named('Cluster', spec.cluster.name))
        .map(({ metadata }) => `ScheduledBackup ${metadata.name} backs up nothing`),
    ];
  }

  private policyProblems(): string[] {
    const policies = this.of('NetworkPolicy');
    const hasDefault = policies.some(
      ({ spec }) =>
        Object.keys(spec.podSelector).length === 0 && !spec.ingress && spec.policyTypes.length === 2,
    );
    return [
      ...(hasDefault ? [] : ['no NetworkPolicy denies by default']),
      ...policies.flatMap(({ metadata, spec }) => {
        const labels = spec.podSelector.matchLabels;
        if (!labels) return [];
        const isDatabase = 'cnpg.io/cluster' in labels;
        const selected = this.workloadsOf(labels);
        if (isDatabase)
          return this.named('Cluster', labels['cnpg.io/cluster'])
            ? []
            : [`NetworkPolicy ${metadata.name} selects nothing`];
        if (selected.length === 0) return [`NetworkPolicy ${metadata.name} selects nothing`];
        return (spec.ingress ?? [])
          .flatMap(({ ports = [] }: any) => ports)
          .filter(({ port, protocol }: any) => !selected.some((each) => this.hasPort(each, port, protocol)))
          .map(({ port }: any) => `NetworkPolicy ${metadata.name}: no container has a port ${port}`);
      }),
      ...this.workloads
        .filter(
          (each) =>
            !policies.some(
              ({ spec }) => spec.podSelector.matchLabels && this.matches(spec.podSelector.matchLabels, each),
            ),
        )
        .map(({ kind, metadata }) => `no NetworkPolicy is about ${kind} ${metadata.name}`),
    ];
  }

  private plainSecrets(): string[] {
    return this.of('Secret').map(({ metadata }) => `Secret ${metadata.name} is in the repository`);
  }

  /** Pods of this namespace that a policy lets in to another's. */
  whoReaches(name: string): string[] {
    const policies = this.of('NetworkPolicy').filter(
      ({ spec }) => spec.podSelector.matchLabels?.['app.kubernetes.io/name'] === name,
    );
    const peers = policies.flatMap(({ spec }) =>
      (spec.ingress ?? []).flatMap(({ from = [{}] }: any) => from),
    );
    return peers.map(({ podSelector, namespaceSelector }: any) => {
      const pod = podSelector?.matchLabels?.['app.kubernetes.io/name'] ?? '*';
      const space = namespaceSelector?.matchLabels?.['kubernetes.io/metadata.name'];
      return space ? `${space}/${pod}` : pod;
    });
  }
}
