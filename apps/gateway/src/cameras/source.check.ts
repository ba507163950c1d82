import { Injectable } from '@nestjs/common';
import { badField, type CameraSource } from '@rovercast/directory';
import { GatewaySettings } from '../gateway.settings';
import { addressKind, type AddressKind } from './address.rules';
import { SourceResolver } from './source.resolver';
import { checkSource, shownSource } from './source.rules';

/** Lets through the sources that the media server may be made to call. */
@Injectable()
export class SourceCheck {
  constructor(
    private readonly settings: GatewaySettings,
    private readonly resolver: SourceResolver,
  ) {}

  /** @throws DomainError INVALID_INPUT that names `source` and never repeats it */
  async allowed(url: string): Promise<CameraSource> {
    const checked = checkSource(url);
    if (!checked.ok) throw badField('source', checked.problem);
    const addresses = await this.resolver.addresses(checked.form.host);
    const kinds = new Set<AddressKind>(addresses?.map(addressKind));
    if (kinds.has('never')) throw badField('source', 'source leads to an address that is never pulled from');
    if (!this.settings.cameraPrivateSources) {
      // What cannot be resolved here may still be found by the media server, and be anything.
      if (!addresses) throw badField('source', 'source names a host that cannot be found');
      if (kinds.has('private')) {
        throw badField(
          'source',
          'source leads to a private address, which CAMERA_PRIVATE_SOURCES does not allow',
        );
      }
    }
    return { url, shown: shownSource(url) };
  }
}
