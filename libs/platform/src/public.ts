import { SetMetadata } from '@nestjs/common';

/** Metadata key of routes that need no login; an app's own guard looks for it. */
export const PUBLIC = 'rovercast:public';

/** Needs no login. */
export const Public = (): ClassDecorator & MethodDecorator => SetMetadata(PUBLIC, true);
