import type { ApolloServerPlugin } from '@apollo/server';
import { ApolloServerErrorCode } from '@apollo/server/errors';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { describeError, type ErrorDescription, isOurFault, MediakeepError } from '../errors.ts';
import type { Log } from '../media/ports.ts';
import type { GraphqlContext } from './context.ts';

/** What a client sees of a failure: a sentence and `extensions.code` (with `retryAfter` seconds where there are), and nothing else. */
export function formatFailure(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const { locations, path } = formatted;
  return { ...shown(formatted, error), ...(locations && { locations }), ...(path && { path }) };
}

/** The same for a failure before GraphQL began: the whole body of the answer. */
export function failureBody(description: ErrorDescription): { errors: GraphQLFormattedError[] } {
  return { errors: [asFormatted(description)] };
}

/** The HTTP headers that belong to a failure. */
export function failureHeaders({ code, retryAfterSeconds }: ErrorDescription): Record<string, string> {
  return {
    ...(code === 'UNAUTHENTICATED' && { 'www-authenticate': 'Bearer' }),
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  };
}

/** Gives failures of resolvers their HTTP side (401, Retry-After), and logs what is our fault, once each. */
export function failureReports(log: Log): ApolloServerPlugin<GraphqlContext> {
  return {
    requestDidStart: async () => ({
      didEncounterErrors: async ({ errors, response, contextValue: { requestId } }) => {
        for (const error of errors) {
          if (!isThrown(error)) continue;
          const description = describeError(origin(error));
          if (description.code === 'UNAUTHENTICATED') response.http.status = description.status;
          for (const [name, value] of Object.entries(failureHeaders(description))) response.http.headers.set(name, value);
          if (isOurFault(description)) log.error({ err: origin(error), requestId, path: error.path }, 'A GraphQL field failed');
        }
      },
    }),
    unexpectedErrorProcessingRequest: async ({ error, requestContext }) => {
      log.error({ err: error, requestId: requestContext.contextValue.requestId }, 'A GraphQL request failed');
    },
  };
}

function shown(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  if (isThrown(error)) return asFormatted(describeError(origin(error)));
  const code = formatted.extensions?.code;
  return { message: formatted.message, extensions: { code: code === internal ? 'BAD_USER_INPUT' : code } };
}

/**
 * Whether a failure comes out of our code. GraphQL's own have a code of their own, except for arguments that turn out not to fit only when
 * the field runs, such as a null variable for an `ID!`.
 */
function isThrown(error: unknown): boolean {
  if (origin(error) instanceof MediakeepError) return true;
  const { extensions, message } = error instanceof GraphQLError ? error : new GraphQLError('');
  return (extensions.code ?? internal) === internal && !message.startsWith('Argument "');
}

const internal = ApolloServerErrorCode.INTERNAL_SERVER_ERROR;

function origin(error: unknown): unknown {
  return error instanceof GraphQLError ? (error.originalError ?? error) : error;
}

function asFormatted({ code, detail, retryAfterSeconds }: ErrorDescription): GraphQLFormattedError {
  return { message: detail, extensions: { code, ...(retryAfterSeconds !== undefined && { retryAfter: retryAfterSeconds }) } };
}
