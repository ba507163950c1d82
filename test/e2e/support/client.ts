/** What an answer of the gateway was. */
export interface Answer {
  status: number;
  body: any;
  headers: Headers;
}

/** A REST client as the mobile app would be one. */
export class RestClient {
  private token?: string;

  constructor(private readonly baseUrl: string) {}

  static async login(baseUrl: string, account: { username: string; password: string }): Promise<RestClient> {
    const client = new RestClient(baseUrl);
    const { status, body } = await client.post('/v1/auth/login', account);
    if (status !== 200) throw new Error(`login failed with ${status}`);
    client.token = (body as { accessToken: string }).accessToken;
    return client;
  }

  /** What identifies this client. */
  headers(): Record<string, string> {
    return this.token === undefined ? {} : { authorization: `Bearer ${this.token}` };
  }

  get(path: string): Promise<Answer> {
    return this.call('GET', path);
  }

  post(path: string, body?: unknown): Promise<Answer> {
    return this.call('POST', path, body);
  }

  delete(path: string): Promise<Answer> {
    return this.call('DELETE', path);
  }

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.baseUrl}${path}`, {
      method,
      headers: {
        ...this.headers(),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    let parsed: unknown = text;
    try {
      parsed = text === '' ? undefined : JSON.parse(text);
    } catch {
      // not JSON: the caller looks at the text
    }
    return { status: response.status, body: parsed, headers: response.headers };
  }
}
