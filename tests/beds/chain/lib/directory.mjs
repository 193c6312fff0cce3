// The reference data directory: one entry per feed with a proxy, in the public format.

/** A healthy entry; `feed.directory` holds what is odd about it, as fields or as a function of the healthy entry. */
export function directoryEntry(feed, heartbeat, threshold) {
  const label = feed.asset ?? feed.name.toUpperCase();
  const path = `${label.toLowerCase()}-usd`;
  const entry = {
    compareOffchain: '',
    contractAddress: feed.aggregator,
    contractType: feed.kind === 'flux' ? 'flux' : '',
    contractVersion: { ocr1: 4, ocr2: 6, flux: 3, mock: 0 }[feed.kind],
    decimalPlaces: feed.decimals,
    ens: path,
    formatDecimalPlaces: 0,
    healthPrice: '',
    heartbeat,
    history: false,
    multiply: '100000000',
    name: `${label} / USD`,
    pair: [label, 'USD'],
    path,
    proxyAddress: feed.proxy,
    threshold,
    valuePrefix: '$',
    assetName: label,
    feedCategory: 'low',
    feedType: 'Crypto',
    docs: {
      assetClass: 'Crypto',
      assetName: label,
      baseAsset: label,
      quoteAsset: 'USD',
      feedCategory: 'low',
      feedType: 'Crypto',
      productType: 'Price',
      productSubType: 'Reference',
      productTypeCode: 'RefPrice',
      deliveryChannelCode: 'DF',
    },
    decimals: feed.decimals,
  };
  const odd = typeof feed.directory === 'function' ? feed.directory(entry) : (feed.directory ?? {});
  return { ...entry, ...odd, docs: { ...entry.docs, ...odd.docs } };
}
