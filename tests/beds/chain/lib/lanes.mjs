// The gas lanes of the bed: name → the highest gas price at which its key fulfils.
const GWEI = 1_000_000_000n;
export const LANES = {
  main: { maxGas: 500n * GWEI },
  /** Below the base fee at the head. */
  cheap: { maxGas: (3n * GWEI) / 2n },
  /** On V2 the highest price is a setting of the node, not of the coordinator. */
  v2: { maxGas: 500n * GWEI },
  /** Registered nowhere. */
  unknown: { maxGas: null },
};
