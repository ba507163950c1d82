/**
 * Names on the wire. A robot or camera id is one topic level and one path segment, so it holds neither `+ # /`
 * nor `.` nor `:`. A path follows MediaMTX v1.20.1 (conf/path.go: `[0-9A-Za-z_./-]+`, no leading or trailing slash,
 * no `.` or `..` segment) and, stricter, has no empty segment: `a//b` and `a/b` would be two paths.
 */
export const ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

export const PATH_MAX_CHARS = 200;

/** The camera whose path is the robot's own: `robots/r1` and not `robots/r1/main`. */
export const MAIN_CAMERA = 'main';

const SEGMENT = /^[0-9A-Za-z_.-]+$/;

/** Whether the text may name a robot or a camera. */
export function isId(text: string): boolean {
  return ID_PATTERN.test(text);
}

/** Whether the text may name a stream's path; compared byte for byte, never decoded or case-folded. */
export function isValidPath(path: string): boolean {
  if (path.length === 0 || path.length > PATH_MAX_CHARS) return false;
  return path.split('/').every((segment) => SEGMENT.test(segment) && segment !== '.' && segment !== '..');
}

/** The one path of a robot's camera. */
export function streamPath(robotId: string, camera: string): string {
  return camera === MAIN_CAMERA ? `robots/${robotId}` : `robots/${robotId}/${camera}`;
}

/** The robot and camera that a path belongs to, or undefined when it is no robot's path. */
export function ownerOfPath(path: string): { robotId: string; camera: string } | undefined {
  const [root, robotId, camera, ...rest] = path.split('/');
  if (root !== 'robots' || !robotId || !isId(robotId) || rest.length > 0) return undefined;
  if (camera === undefined) return { robotId, camera: MAIN_CAMERA };
  return isId(camera) && camera !== MAIN_CAMERA ? { robotId, camera } : undefined;
}
