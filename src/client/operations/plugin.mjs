import { plugin as typedDocumentNode } from '@graphql-codegen/typed-document-node';

/** As in @graphql-typed-document-node/core, so that who uses the client needs not install it for its types. */
const decoration = `/** Of a document, the types of its variables and its result; the field itself is never there. */
export interface DocumentTypeDecoration<TResult, TVariables> {
  __apiType?: (variables: TVariables) => TResult;
}`;

/** The plugin that writes the documents, but for one import. */
export async function plugin(schema, documents, config, info) {
  const { prepend = [], ...output } = await typedDocumentNode(schema, documents, config, info);
  return { ...output, prepend: prepend.map((line) => (line.includes('@graphql-typed-document-node/core') ? decoration : line)) };
}
