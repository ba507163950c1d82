import { basicCredentials, httpCredentials, rtmpCredentials, tokenFor } from './credentials.rules';

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
const none = { user: '', password: '', token: '' };

describe('httpCredentials', () => {
  it.each([
    [undefined, none],
    ['', none],
    ['Bearer abc', { ...none, token: 'abc' }],
    ['Bearer ', none],
    ['Bearer u:p', { user: 'u', password: 'p', token: '' }],
    ['Bearer :', none],
    ['Bearer a:b:c', { ...none, token: 'a:b:c' }],
    ['bearer abc', none],
    [basic('u:p'), { user: 'u', password: 'p', token: '' }],
    [basic('u:p:q'), { user: 'u', password: 'p:q', token: '' }],
    [basic('u'), none],
    ['basic dTpw', { user: 'u', password: 'p', token: '' }],
    ['Basic ###', none],
    ['Digest username="u"', none],
  ])('reads %j', (header, expected) => {
    expect(httpCredentials(header)).toEqual(expected);
  });
});

describe('basicCredentials', () => {
  it('takes no bearer', () => expect(basicCredentials('Bearer x')).toEqual(none));
});

describe('rtmpCredentials', () => {
  it.each([
    ['user=u&pass=p', 'u', 'p'],
    ['pass=p%26q', '', 'p&q'],
    ['username=u&password=p', '', ''],
    ['', '', ''],
  ])('reads %j', (query, user, password) => {
    expect(rtmpCredentials(query)).toEqual({ user, password, token: '' });
  });
});

describe('tokenFor', () => {
  it.each([
    ['the bearer first', { user: 'u', password: 'p', token: 't' }, 'rtsp', 'token=q', 't'],
    ['then the password', { user: 'u', password: 'p', token: '' }, 'rtsp', 'token=q', 'p'],
    ['then the query of RTSP', none, 'rtsp', 'a=1&token=q', 'q'],
    ['then the query of RTMP', none, 'rtmp', 'token=q%2B', 'q+'],
    ['the old key of the query', none, 'rtmp', 'jwt=q', 'q'],
    ['token before jwt', none, 'rtmp', 'jwt=a&token=b', 'b'],
    ['no query of HLS', none, 'hls', 'token=q', ''],
    ['no query of the API', none, '', 'token=q', ''],
    ['no token that is given twice', none, 'rtsp', 'token=a&token=b', ''],
    ['nothing where there is nothing', none, 'rtsp', '', ''],
  ])('takes %s', (_name, credentials, protocol, query, expected) => {
    expect(tokenFor(credentials, protocol, query)).toBe(expected);
  });
});
