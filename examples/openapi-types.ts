// Made by npm run generate:openapi.

export interface paths {
    "/api/v1/media/upload/image": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Upload an image
         * @description One file, streamed. Parts that describe it come before it; parts of other names are ignored, and so is what follows the file. Once the file has arrived whole, the upload completes even if the client goes away.
         */
        post: operations["uploadImage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/media/upload/video": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Upload a video
         * @description One file, streamed. Parts that describe it come before it; parts of other names are ignored, and so is what follows the file. Once the file has arrived whole, the upload completes even if the client goes away.
         */
        post: operations["uploadVideo"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/media/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begin an upload of any size, to be sent in pieces
         * @description Answers a resumable session in the protocol of Google Cloud Storage, on the bucket or on this server. Send the bytes to its `url` in one PUT, or in chunks with `Content-Range: bytes FIRST-LAST/SIZE` (multiples of 262144 bytes, but for the last). 308 with `Range` tells what is held, 200 that all is. After a break, PUT nothing with `Content-Range: bytes *\/SIZE` to ask, and send the rest. Then complete it. `DELETE /media/{id}` takes it back.
         */
        post: operations["createUpload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/media/uploads/{id}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make the asset of an upload whose bytes have all been sent
         * @description Proves them as those of any upload. It can be called again. What can be mended leaves everything for another try; a file that is refused is gone.
         */
        post: operations["completeUpload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/media/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List your media
         * @description Newest first. An empty parameter counts as absent.
         */
        get: operations["listMedia"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/media/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get one of your media */
        get: operations["getMedia"];
        put?: never;
        post?: never;
        /**
         * Delete it
         * @description Row and bytes. From the answer on it is gone for everybody, and its links are dead. An upload that is not complete is taken back.
         */
        delete: operations["deleteMedia"];
        options?: never;
        head?: never;
        /** Change title, alternative text, tags or focus */
        patch: operations["updateMedia"];
        trace?: never;
    };
    "/api/v1/media/{id}/content": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the original bytes
         * @description Redirects to the `url` of the asset.
         */
        get: operations["getMediaContent"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/media/{id}/rendition": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a picture of an image in another size or format
         * @description Redirects to a signed link, at which the picture is made when it is first fetched: upright, sRGB, without metadata, never enlarged. Without width and height: the size of the original.
         */
        get: operations["getMediaRendition"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description An image. */
        ImageAsset: {
            /**
             * Format: uuid
             * @description UUIDv7.
             * @example 0198c0de-7a11-7bbb-8ccc-0123456789ab
             */
            id: string;
            /**
             * @description It is an image. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            kind: "IMAGE";
            /**
             * @description How far the background work on it is. The original can be fetched in every status.
             * @enum {string}
             */
            status: "PROCESSING" | "READY" | "FAILED";
            /**
             * @description As sent, cleaned: no path, no control or direction-override characters, at most 255 bytes.
             * @example dawn.jpg
             */
            filename: string;
            /**
             * @description From the bytes.
             * @example image/jpeg
             */
            mimeType: string;
            /**
             * Format: int64
             * @description Bytes.
             * @example 2481152
             */
            size: number;
            /** @description Of the bytes as uploaded, in hex. */
            sha256: string;
            /**
             * @description Pixels, upright (orientation and rotation applied).
             * @example 4032
             */
            width: number;
            /**
             * @description Pixels, upright (orientation and rotation applied).
             * @example 3024
             */
            height: number;
            /**
             * @description What to call it.
             * @example Dawn
             */
            title: string | null;
            /**
             * @description What it shows, for people who cannot see it.
             * @example A lighthouse before sunrise
             */
            altText: string | null;
            /**
             * @description Each once, in the order given.
             * @example [
             *       "sea",
             *       "travel"
             *     ]
             */
            tags: string[];
            /**
             * Format: uri
             * @description A fresh link to the original bytes, for whoever holds it, good for at least an hour. (GraphQL can ask for up to 604800 seconds.)
             */
            url: string;
            /**
             * Format: date-time
             * @description When its upload began.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description When it was last changed.
             */
            updatedAt: string;
            /** @description Whether it has more than one frame. */
            animated: boolean;
            /** @description Whether it has an alpha channel. */
            hasAlpha: boolean;
            /**
             * Format: byte
             * @description A ThumbHash: about 25 bytes that draw a blurred picture while the real one loads.
             * @example 3OcRJYB4d3h/iIeHeEh3eIhw+j3A
             */
            placeholder: string;
            /** @description Null when it is all but transparent, or unknown. */
            dominantColor: string | null;
            /**
             * @description What crops keep in sight; null leaves it to what draws attention.
             * @example {
             *       "x": 0.5,
             *       "y": 0.25
             *     }
             */
            focus: {
                /** @description From the left: 0 is its edge, 1 the right one. */
                x: number;
                /** @description From the top: 0 is its edge, 1 the bottom. */
                y: number;
            } | null;
        };
        /** @description A video. */
        VideoAsset: {
            /**
             * Format: uuid
             * @description UUIDv7.
             * @example 0198c0de-7a11-7bbb-8ccc-0123456789ab
             */
            id: string;
            /**
             * @description It is a video. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            kind: "VIDEO";
            /**
             * @description How far the background work on it is. The original can be fetched in every status.
             * @enum {string}
             */
            status: "PROCESSING" | "READY" | "FAILED";
            /**
             * @description As sent, cleaned: no path, no control or direction-override characters, at most 255 bytes.
             * @example dawn.jpg
             */
            filename: string;
            /**
             * @description From the bytes.
             * @example video/mp4
             */
            mimeType: string;
            /**
             * Format: int64
             * @description Bytes.
             * @example 2481152
             */
            size: number;
            /** @description Of the bytes as uploaded, in hex. */
            sha256: string;
            /**
             * @description Pixels, upright (orientation and rotation applied).
             * @example 4032
             */
            width: number | null;
            /**
             * @description Pixels, upright.
             * @example 3024
             */
            height: number | null;
            /**
             * @description What to call it.
             * @example Dawn
             */
            title: string | null;
            /**
             * @description What it shows, for people who cannot see it.
             * @example A lighthouse before sunrise
             */
            altText: string | null;
            /**
             * @description Each once, in the order given.
             * @example [
             *       "sea",
             *       "travel"
             *     ]
             */
            tags: string[];
            /**
             * Format: uri
             * @description A fresh link to the original bytes, for whoever holds it, good for at least an hour. (GraphQL can ask for up to 604800 seconds.)
             */
            url: string;
            /**
             * Format: date-time
             * @description When its upload began.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description When it was last changed.
             */
            updatedAt: string;
            /**
             * @description Seconds.
             * @example 12.48
             */
            duration: number | null;
            /**
             * @description Of the video track, in a short name.
             * @example avc
             */
            videoCodec: string | null;
            /**
             * @description Of the audio track; null when it has none, or one that is not known.
             * @example aac
             */
            audioCodec: string | null;
            /**
             * @description Frames a second.
             * @example 29.97
             */
            frameRate: number | null;
        };
        /** @description An image or a video; `kind` tells which. */
        MediaAsset: components["schemas"]["ImageAsset"] | components["schemas"]["VideoAsset"];
        /** @description A page of media, newest first. */
        MediaPage: {
            /** @description Newest first. */
            items: components["schemas"]["MediaAsset"][];
            /** @description The `after` of the next page; null on the last. */
            nextCursor: string | null;
            /** @description How many there are on all pages. */
            totalCount: number;
        };
        /** @description What to change: an absent field stays, null clears it. */
        UpdateMediaInput: {
            /**
             * @description What to call it.
             * @example Dawn
             */
            title?: string | null;
            /**
             * @description What it shows, for people who cannot see it.
             * @example A lighthouse before sunrise
             */
            altText?: string | null;
            /**
             * @description Each once, in the order given.
             * @example [
             *       "sea",
             *       "travel"
             *     ]
             */
            tags?: string[] | null;
            /**
             * @description Images only: what crops keep in sight, from the left and from the top.
             * @example {
             *       "x": 0.5,
             *       "y": 0.25
             *     }
             */
            focus?: {
                /** @description From the left: 0 is its edge, 1 the right one. */
                x: number;
                /** @description From the top: 0 is its edge, 1 the bottom. */
                y: number;
            } | null;
        };
        /** @description What is to be known of a file before its bytes are sent. */
        CreateUploadInput: {
            /**
             * @description Whether it is an image or a video.
             * @enum {string}
             */
            kind: "IMAGE" | "VIDEO";
            /**
             * @description The file's name.
             * @example film.mp4
             */
            filename: string;
            /**
             * @description As the client knows it; `application/octet-stream` when it does not. What the bytes say counts, but a type that the kind does not accept is refused at once.
             * @example video/mp4
             */
            mimeType: string;
            /**
             * Format: int64
             * @description Bytes. Exactly so many have to be sent; they count against the quota from now on.
             * @example 2147483648
             */
            size: number;
            /**
             * @description What to call it.
             * @example Dawn
             */
            title?: string | null;
            /**
             * @description What it shows, for people who cannot see it.
             * @example A lighthouse before sunrise
             */
            altText?: string | null;
            /**
             * @description Each once, in the order given.
             * @example [
             *       "sea",
             *       "travel"
             *     ]
             */
            tags?: string[] | null;
        };
        /** @description A header of an HTTP request. */
        HttpHeader: {
            /** @example Content-Type */
            name: string;
            /** @example video/mp4 */
            value: string;
        };
        /** @description A resumable session in the protocol of Google Cloud Storage. */
        DirectUpload: {
            /**
             * Format: uuid
             * @description Of the asset to come.
             * @example 0198c0de-7a11-7bbb-8ccc-0123456789ab
             */
            id: string;
            /**
             * Format: uri
             * @description Where to send the bytes. Whoever holds it may send: it is a secret, needs no `Authorization`, and is told once.
             */
            url: string;
            /** @enum {string} */
            method: "PUT";
            /** @description To be sent along. */
            headers: components["schemas"]["HttpHeader"][];
            /**
             * @description How many bytes to send at a time, if not all at once.
             * @example 8388608
             */
            chunkSize: number;
            /**
             * Format: date-time
             * @description When the session ends. An upload that is not complete by then is abandoned, and nothing of it stays.
             */
            expiresAt: string;
        };
        /** @description A deletion. */
        DeletedMedia: {
            /**
             * Format: uuid
             * @description UUIDv7.
             * @example 0198c0de-7a11-7bbb-8ccc-0123456789ab
             */
            id: string;
            /** @description Whether the bytes are gone too; if not, they are removed as soon as the storage answers. */
            purged: boolean;
        };
        /** @description An error as RFC 9457 describes it. */
        Problem: {
            /**
             * Format: uri-reference
             * @example urn:mediakeep:problem:not-found
             */
            type: string;
            /** @example No such media */
            title: string;
            /** @example 404 */
            status: number;
            /**
             * @description A sentence for the user.
             * @example There is no such media of yours.
             */
            detail: string;
            /**
             * @description The same codes as in GraphQL.
             * @enum {string}
             */
            code?: "UNAUTHENTICATED" | "BAD_USER_INPUT" | "NOT_FOUND" | "FILE_TOO_LARGE" | "QUOTA_EXCEEDED" | "UNSUPPORTED_MEDIA_TYPE" | "INVALID_MEDIA" | "UPLOAD_INCOMPLETE" | "IDEMPOTENCY_CONFLICT" | "RATE_LIMITED" | "OVERLOADED" | "STORAGE_UNAVAILABLE" | "INTERNAL_SERVER_ERROR";
            /**
             * Format: uuid
             * @description Names this request in the log.
             */
            requestId: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    uploadImage: {
        parameters: {
            query?: never;
            header?: {
                /** @description Your name for this upload, such as a UUID: sent again with the same bytes within 24 hours, it gets the asset that the first one made. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /**
                     * @description What to call it.
                     * @example Dawn
                     */
                    title?: string;
                    /**
                     * @description What it shows, for people who cannot see it.
                     * @example A lighthouse before sunrise
                     */
                    altText?: string;
                    /**
                     * @description Repeated parts, one tag each, or one part with a JSON array of strings.
                     * @example [
                     *       "sea",
                     *       "travel"
                     *     ]
                     */
                    tags?: string[];
                    /**
                     * Format: binary
                     * @description The image, with a filename: JPEG, PNG, WebP, GIF and AVIF. What the bytes say counts; the name and the declared type do not.
                     */
                    file: Blob;
                };
            };
        };
        responses: {
            /** @description The image, stored. */
            201: {
                headers: {
                    /** @description Where the asset is. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageAsset"];
                };
            };
            /** @description The request does not fit (`BAD_USER_INPUT`). */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Sign in first (`UNAUTHENTICATED`). */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The idempotency key is taken (`IDEMPOTENCY_CONFLICT`). */
            409: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The file is too large (`FILE_TOO_LARGE`). The quota is used up (`QUOTA_EXCEEDED`). */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description This type of file is not accepted (`UNSUPPORTED_MEDIA_TYPE`). */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The file is damaged or not what it claims to be (`INVALID_MEDIA`). */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests (`RATE_LIMITED`). */
            429: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something went wrong on our side (`INTERNAL_SERVER_ERROR`). */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The server is busy (`OVERLOADED`). The storage does not answer (`STORAGE_UNAVAILABLE`). */
            503: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    uploadVideo: {
        parameters: {
            query?: never;
            header?: {
                /** @description Your name for this upload, such as a UUID: sent again with the same bytes within 24 hours, it gets the asset that the first one made. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /**
                     * @description What to call it.
                     * @example Dawn
                     */
                    title?: string;
                    /**
                     * @description What it shows, for people who cannot see it.
                     * @example A lighthouse before sunrise
                     */
                    altText?: string;
                    /**
                     * @description Repeated parts, one tag each, or one part with a JSON array of strings.
                     * @example [
                     *       "sea",
                     *       "travel"
                     *     ]
                     */
                    tags?: string[];
                    /**
                     * Format: binary
                     * @description The video, with a filename: MP4, QuickTime, WebM and Matroska. What the bytes say counts; the name and the declared type do not.
                     */
                    file: Blob;
                };
            };
        };
        responses: {
            /** @description The video, stored. */
            201: {
                headers: {
                    /** @description Where the asset is. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VideoAsset"];
                };
            };
            /** @description The request does not fit (`BAD_USER_INPUT`). */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Sign in first (`UNAUTHENTICATED`). */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The idempotency key is taken (`IDEMPOTENCY_CONFLICT`). */
            409: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The file is too large (`FILE_TOO_LARGE`). The quota is used up (`QUOTA_EXCEEDED`). */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description This type of file is not accepted (`UNSUPPORTED_MEDIA_TYPE`). */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The file is damaged or not what it claims to be (`INVALID_MEDIA`). */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests (`RATE_LIMITED`). */
            429: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something went wrong on our side (`INTERNAL_SERVER_ERROR`). */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The server is busy (`OVERLOADED`). The storage does not answer (`STORAGE_UNAVAILABLE`). */
            503: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createUpload: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateUploadInput"];
            };
        };
        responses: {
            /** @description The session. */
            201: {
                headers: {
                    /** @description Where the asset will be. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DirectUpload"];
                };
            };
            /** @description The request does not fit (`BAD_USER_INPUT`). */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Sign in first (`UNAUTHENTICATED`). */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The file is too large (`FILE_TOO_LARGE`). The quota is used up (`QUOTA_EXCEEDED`). */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description This type of file is not accepted (`UNSUPPORTED_MEDIA_TYPE`). */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The file is damaged or not what it claims to be (`INVALID_MEDIA`). */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests (`RATE_LIMITED`). */
            429: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something went wrong on our side (`INTERNAL_SERVER_ERROR`). */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The server is busy (`OVERLOADED`). The storage does not answer (`STORAGE_UNAVAILABLE`). */
            503: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    completeUpload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The id of the upload.
                 * @example 0198c0de-7a11-7bbb-8ccc-0123456789ab
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The asset. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MediaAsset"];
                };
            };
            /** @description Sign in first (`UNAUTHENTICATED`). */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such media (`NOT_FOUND`). */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The upload is not complete (`UPLOAD_INCOMPLETE`). */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The file is too large (`FILE_TOO_LARGE`). */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description This type of file is not accepted (`UNSUPPORTED_MEDIA_TYPE`). */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The file is damaged or not what it claims to be (`INVALID_MEDIA`). */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests (`RATE_LIMITED`). */
            429: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something went wrong on our side (`INTERNAL_SERVER_ERROR`). */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The server is busy (`OVERLOADED`). The storage does not answer (`STORAGE_UNAVAILABLE`). */
            503: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listMedia: {
        parameters: {
            query?: {
                /** @description How many items a page has at most. */
                first?: number;
                /** @description The `nextCursor` of the page before. */
                after?: string;
                /** @description Only images, or only videos. */
                kind?: "IMAGE" | "VIDEO";
                /** @description Only what is in this state. */
                status?: "PROCESSING" | "READY" | "FAILED";
                /** @description Only what has this tag. */
                tag?: string;
                /** @description A part of filename, title or altText; upper and lower case are alike, `%` and `_` mean themselves. */
                search?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    /** @description The next page, as `<URL>; rel="next"`; absent on the last. */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MediaPage"];
                };
            };
            /** @description The request does not fit (`BAD_USER_INPUT`). */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Sign in first (`UNAUTHENTICATED`). */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests (`RATE_LIMITED`). */
            429: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something went wrong on our side (`INTERNAL_SERVER_ERROR`). */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The storage does not answer (`STORAGE_UNAVAILABLE`). */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getMedia: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of a former answer. */
                "If-None-Match"?: string;
            };
            path: {
                /**
                 * @description The id of the asset.
                 * @example 0198c0de-7a11-7bbb-8ccc-0123456789ab
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The asset. */
            200: {
                headers: {
                    /** @description Changes with the body, `url` included. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MediaAsset"];
                };
            };
            /** @description The client has it already. */
            304: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request does not fit (`BAD_USER_INPUT`). */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Sign in first (`UNAUTHENTICATED`). */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such media (`NOT_FOUND`). */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests (`RATE_LIMITED`). */
            429: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something went wrong on our side (`INTERNAL_SERVER_ERROR`). */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The storage does not answer (`STORAGE_UNAVAILABLE`). */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteMedia: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The id of the asset.
                 * @example 0198c0de-7a11-7bbb-8ccc-0123456789ab
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted; the storage did not answer, so the bytes go later. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeletedMedia"];
                };
            };
            /** @description Deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request does not fit (`BAD_USER_INPUT`). */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Sign in first (`UNAUTHENTICATED`). */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such media (`NOT_FOUND`). */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests (`RATE_LIMITED`). */
            429: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something went wrong on our side (`INTERNAL_SERVER_ERROR`). */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The storage does not answer (`STORAGE_UNAVAILABLE`). */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateMedia: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The id of the asset.
                 * @example 0198c0de-7a11-7bbb-8ccc-0123456789ab
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateMediaInput"];
            };
        };
        responses: {
            /** @description The asset, changed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MediaAsset"];
                };
            };
            /** @description The request does not fit (`BAD_USER_INPUT`). */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Sign in first (`UNAUTHENTICATED`). */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such media (`NOT_FOUND`). */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests (`RATE_LIMITED`). */
            429: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something went wrong on our side (`INTERNAL_SERVER_ERROR`). */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The storage does not answer (`STORAGE_UNAVAILABLE`). */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getMediaContent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The id of the asset.
                 * @example 0198c0de-7a11-7bbb-8ccc-0123456789ab
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The link is in `Location`. */
            302: {
                headers: {
                    /** @description A fresh link to the bytes. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request does not fit (`BAD_USER_INPUT`). */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Sign in first (`UNAUTHENTICATED`). */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such media (`NOT_FOUND`). */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests (`RATE_LIMITED`). */
            429: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something went wrong on our side (`INTERNAL_SERVER_ERROR`). */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The storage does not answer (`STORAGE_UNAVAILABLE`). */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getMediaRendition: {
        parameters: {
            query?: {
                /** @description Pixels, rounded up to 64, 128, 256, 384, 512, 640, 768, 1024, 1280, 1600, 1920, 2560 or 3840. */
                width?: number;
                /** @description Pixels. Beside a width it sets the proportions, which stay when the width is rounded. */
                height?: number;
                /** @description Fit into the box, cover it and be cropped (around `focus`), or be padded to fill it. */
                fit?: "INSIDE" | "COVER" | "CONTAIN";
                /** @description `AUTO`: the best that `Accept` names at the link. */
                format?: "AUTO" | "WEBP" | "AVIF" | "JPEG" | "PNG";
            };
            header?: never;
            path: {
                /**
                 * @description The id of the image.
                 * @example 0198c0de-7a11-7bbb-8ccc-0123456789ab
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The link is in `Location`. */
            302: {
                headers: {
                    /** @description A link to the picture, the same for 6 hours. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request does not fit (`BAD_USER_INPUT`). */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Sign in first (`UNAUTHENTICATED`). */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such media (`NOT_FOUND`). */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests (`RATE_LIMITED`). */
            429: {
                headers: {
                    /** @description Seconds to wait. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something went wrong on our side (`INTERNAL_SERVER_ERROR`). */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The storage does not answer (`STORAGE_UNAVAILABLE`). */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
