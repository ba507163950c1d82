import Ajv, { type ValidateFunction } from 'ajv';

/** One Kubernetes object. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  [field: string]: any;
}

const text = { type: 'string', minLength: 1 };
const name = { type: 'string', pattern: '^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$' };
const labels = { type: 'object', additionalProperties: { type: 'string' } };
const portRef = {
  anyOf: [
    { type: 'integer', minimum: 1, maximum: 65535 },
    { type: 'string', pattern: '^[a-z0-9-]{1,15}$' },
  ],
};
const quantity = {
  anyOf: [{ type: 'number' }, { type: 'string', pattern: '^\\d+(\\.\\d+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$' }],
};
const selector = {
  type: 'object',
  properties: {
    matchLabels: labels,
    matchExpressions: {
      type: 'array',
      items: {
        type: 'object',
        required: ['key', 'operator'],
        properties: {
          key: text,
          operator: { enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] },
          values: { type: 'array', items: text },
        },
        additionalProperties: false,
      },
    },
  },
  additionalProperties: false,
};

/** An object with these fields and no other; `!` after a name makes it required. */
function only(fields: Record<string, object>): object {
  const entries = Object.entries(fields).map(([key, schema]) => [key.replace('!', ''), schema]);
  return {
    type: 'object',
    properties: Object.fromEntries(entries),
    required: Object.keys(fields)
      .filter((key) => key.endsWith('!'))
      .map((key) => key.slice(0, -1)),
    additionalProperties: false,
  };
}
const list = (items: object, minItems = 0): object => ({ type: 'array', items, minItems });
const int = { type: 'integer', minimum: 0 };
const bool = { type: 'boolean' };
const any = {};
const keyRef = only({ 'name!': name, 'key!': text });

const probe = only({
  httpGet: only({
    'path!': { type: 'string', pattern: '^/' },
    'port!': portRef,
    scheme: { enum: ['HTTP', 'HTTPS'] },
  }),
  tcpSocket: only({ 'port!': portRef }),
  exec: only({ 'command!': list(text, 1) }),
  periodSeconds: int,
  timeoutSeconds: int,
  failureThreshold: int,
});
const resources = only({
  'requests!': only({ cpu: quantity, memory: quantity }),
  'limits!': only({ cpu: quantity, memory: quantity }),
});
const container = only({
  'name!': name,
  'image!': text,
  command: list(text, 1),
  ports: list(
    only({
      'name!': { type: 'string', pattern: '^[a-z0-9-]{1,15}$' },
      'containerPort!': int,
      protocol: { enum: ['TCP', 'UDP'] },
    }),
  ),
  env: list(
    only({
      'name!': { type: 'string', pattern: '^[A-Z][A-Z0-9_]*$' },
      value: { type: 'string' },
      valueFrom: only({
        secretKeyRef: keyRef,
        configMapKeyRef: keyRef,
        fieldRef: only({ 'fieldPath!': text }),
      }),
    }),
  ),
  'resources!': resources,
  startupProbe: probe,
  readinessProbe: probe,
  livenessProbe: probe,
  lifecycle: only({ preStop: any }),
  'securityContext!': any,
  volumeMounts: list(
    only({ 'name!': name, 'mountPath!': { type: 'string', pattern: '^/' }, readOnly: bool }),
  ),
});
const items = list(only({ 'key!': text, 'path!': text }), 1);
const pod = only({
  'serviceAccountName!': name,
  'automountServiceAccountToken!': { const: false },
  enableServiceLinks: bool,
  restartPolicy: { enum: ['Always', 'OnFailure', 'Never'] },
  terminationGracePeriodSeconds: int,
  affinity: any,
  topologySpreadConstraints: list(
    only({
      'maxSkew!': int,
      'topologyKey!': text,
      'whenUnsatisfiable!': { enum: ['ScheduleAnyway', 'DoNotSchedule'] },
      'labelSelector!': selector,
    }),
  ),
  'securityContext!': any,
  initContainers: list(container),
  'containers!': list(container, 1),
  volumes: list(
    only({
      'name!': name,
      secret: only({ 'secretName!': name, defaultMode: int, items }),
      configMap: only({ 'name!': name, defaultMode: int, items }),
      emptyDir: only({ sizeLimit: quantity }),
    }),
  ),
});
const template = only({ 'metadata!': only({ 'labels!': labels }), 'spec!': pod });
const policyPorts = list(only({ 'port!': portRef, protocol: { enum: ['TCP', 'UDP'] } }), 1);
const peers = list(
  only({
    podSelector: selector,
    namespaceSelector: selector,
    ipBlock: only({ 'cidr!': text, except: list(text) }),
  }),
  1,
);
const servicePort = only({
  'name!': { type: 'string', pattern: '^[a-z0-9-]{1,15}$' },
  'port!': int,
  'targetPort!': portRef,
  protocol: { enum: ['TCP', 'UDP'] },
});

/** The `spec` (or, where there is none, the rest) of each kind that we use; a field that is not here is a spelling mistake or new. */
const KINDS: Record<string, Record<string, object>> = {
  'v1 Namespace': {},
  'v1 ServiceAccount': { automountServiceAccountToken: { const: false } },
  'v1 ConfigMap': { data: { type: 'object', additionalProperties: { type: 'string' } } },
  'v1 Service': {
    'spec!': only({
      type: { enum: ['ClusterIP', 'LoadBalancer'] },
      clusterIP: { const: 'None' },
      externalTrafficPolicy: { enum: ['Local', 'Cluster'] },
      sessionAffinity: { enum: ['ClientIP', 'None'] },
      publishNotReadyAddresses: bool,
      'selector!': labels,
      'ports!': list(servicePort, 1),
    }),
  },
  'apps/v1 Deployment': {
    'spec!': only({
      'replicas!': int,
      revisionHistoryLimit: int,
      'strategy!': only({
        type: { enum: ['Recreate', 'RollingUpdate'] },
        rollingUpdate: only({ maxUnavailable: int, maxSurge: int }),
      }),
      'selector!': selector,
      'template!': template,
    }),
  },
  'apps/v1 StatefulSet': {
    'spec!': only({
      'serviceName!': name,
      'replicas!': int,
      revisionHistoryLimit: int,
      podManagementPolicy: { enum: ['Parallel', 'OrderedReady'] },
      updateStrategy: only({
        'type!': { enum: ['RollingUpdate', 'OnDelete'] },
        rollingUpdate: only({ partition: int }),
      }),
      'selector!': selector,
      'template!': template,
      volumeClaimTemplates: list(
        only({
          'metadata!': any,
          'spec!': only({
            'accessModes!': list(text, 1),
            'resources!': only({ 'requests!': only({ 'storage!': quantity }) }),
          }),
        }),
      ),
    }),
  },
  'batch/v1 Job': { 'spec!': only({ backoffLimit: int, activeDeadlineSeconds: int, 'template!': template }) },
  'policy/v1 PodDisruptionBudget': {
    'spec!': only({
      minAvailable: int,
      maxUnavailable: int,
      unhealthyPodEvictionPolicy: { const: 'AlwaysAllow' },
      'selector!': selector,
    }),
  },
  'autoscaling/v2 HorizontalPodAutoscaler': {
    'spec!': only({
      'scaleTargetRef!': only({ 'apiVersion!': text, 'kind!': text, 'name!': name }),
      'minReplicas!': { type: 'integer', minimum: 1 },
      'maxReplicas!': { type: 'integer', minimum: 1 },
      'metrics!': list(any, 1),
      behavior: only({ scaleUp: any, scaleDown: any }),
    }),
  },
  'networking.k8s.io/v1 Ingress': {
    'spec!': only({
      'ingressClassName!': name,
      'tls!': list(only({ 'hosts!': list(text, 1), 'secretName!': name }), 1),
      'rules!': list(
        only({
          'host!': text,
          'http!': only({
            'paths!': list(
              only({
                'path!': text,
                'pathType!': { enum: ['Exact', 'Prefix'] },
                'backend!': only({
                  'service!': only({ 'name!': name, 'port!': only({ name: text, number: int }) }),
                }),
              }),
              1,
            ),
          }),
        }),
        1,
      ),
    }),
  },
  'networking.k8s.io/v1 NetworkPolicy': {
    'spec!': only({
      'podSelector!': selector,
      'policyTypes!': list({ enum: ['Ingress', 'Egress'] }, 1),
      ingress: list(only({ from: peers, ports: policyPorts })),
      egress: list(only({ to: peers, ports: policyPorts })),
    }),
  },
  'cert-manager.io/v1 Issuer': { 'spec!': only({ selfSigned: any, ca: only({ 'secretName!': name }) }) },
  'cert-manager.io/v1 ClusterIssuer': {
    'spec!': only({
      'acme!': only({
        'server!': { type: 'string', pattern: '^https://' },
        'email!': text,
        'privateKeySecretRef!': only({ 'name!': name }),
        'solvers!': list(any, 1),
      }),
    }),
  },
  'cert-manager.io/v1 Certificate': {
    'spec!': only({
      'secretName!': name,
      isCA: bool,
      commonName: { type: 'string', maxLength: 64 },
      duration: { type: 'string', pattern: '^\\d+h$' },
      renewBefore: { type: 'string', pattern: '^\\d+h$' },
      'privateKey!': only({
        'algorithm!': { enum: ['ECDSA', 'RSA', 'Ed25519'] },
        size: int,
        rotationPolicy: { enum: ['Always', 'Never'] },
      }),
      dnsNames: list(text, 1),
      'issuerRef!': only({ 'kind!': { enum: ['Issuer', 'ClusterIssuer'] }, 'name!': name }),
    }),
  },
  'postgresql.cnpg.io/v1 Cluster': {
    'spec!': only({
      'instances!': { type: 'integer', minimum: 1 },
      'imageName!': text,
      primaryUpdateStrategy: { enum: ['unsupervised', 'supervised'] },
      bootstrap: any,
      postgresql: only({
        synchronous: only({ 'method!': { enum: ['any', 'first'] }, 'number!': int }),
        parameters: { type: 'object', additionalProperties: { type: 'string' } },
      }),
      'storage!': only({ 'size!': quantity, storageClass: name }),
      'resources!': resources,
      affinity: any,
      monitoring: only({ enablePodMonitor: bool }),
      backup: any,
    }),
  },
  'postgresql.cnpg.io/v1 ScheduledBackup': {
    'spec!': only({
      // Six fields, the first of which are seconds.
      'schedule!': { type: 'string', pattern: '^(\\S+ ){5}\\S+$' },
      backupOwnerReference: text,
      method: { enum: ['volumeSnapshot', 'barmanObjectStore', 'plugin'] },
      'cluster!': only({ 'name!': name }),
    }),
  },
  'monitoring.coreos.com/v1 ServiceMonitor': {
    'spec!': only({
      'selector!': selector,
      'endpoints!': list(
        only({
          'port!': text,
          'path!': text,
          'interval!': text,
          scheme: { enum: ['http', 'https'] },
          params: { type: 'object', additionalProperties: list(text, 1) },
          basicAuth: only({ 'username!': keyRef, 'password!': keyRef }),
          tlsConfig: only({ serverName: text, ca: only({ secret: keyRef, configMap: keyRef }) }),
        }),
        1,
      ),
    }),
  },
  'monitoring.coreos.com/v1 PrometheusRule': {
    'spec!': only({
      'groups!': list(
        only({
          'name!': text,
          interval: text,
          'rules!': list(
            only({
              alert: text,
              record: text,
              'expr!': text,
              for: text,
              keep_firing_for: text,
              labels,
              annotations: labels,
            }),
            1,
          ),
        }),
        1,
      ),
    }),
  },
};

const ajv = new Ajv({ allErrors: true, strict: false });
const validators = new Map<string, ValidateFunction>();
for (const [kind, fields] of Object.entries(KINDS)) {
  validators.set(
    kind,
    ajv.compile(
      only({
        'apiVersion!': text,
        'kind!': text,
        'metadata!': only({
          'name!': name,
          namespace: name,
          labels,
          annotations: labels,
          creationTimestamp: { type: 'null' },
        }),
        ...fields,
      }),
    ),
  );
}

/** What is wrong with an object, one line each. */
export function problemsOf(manifest: Manifest): string[] {
  const what = `${manifest.apiVersion} ${manifest.kind}`;
  const validate = validators.get(what);
  if (!validate) return [`${what} is not a kind that we use`];
  validate(manifest);
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    const extra = (params as { additionalProperty?: string }).additionalProperty;
    return `${manifest.kind} ${manifest.metadata?.name}${instancePath}: ${message}${extra ? ` (${extra})` : ''}`;
  });
}
