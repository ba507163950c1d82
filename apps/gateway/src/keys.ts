/** Injection token of the keys that sign and look up (`DerivedKeys` of libs/access, the newest). */
export const DERIVED_KEYS = Symbol('derived keys');
