// Made by `check --fix` from the OpenAPI document; do not edit.

export interface paths {
    "/api/v1/about": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * About
         * @description The versions of Dovetail, Python and the engines, and which machine this is.
         */
        get: operations["about"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/benchmarks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Benchmarks
         * @description The newest 100, with their figures; of those of models that the caller's key is good for.
         */
        get: operations["listBenchmarks"];
        put?: never;
        /**
         * Start Benchmark
         * @description Begins a benchmark, one at a time. It waits while other requests run, and stops for each that comes.
         */
        post: operations["startBenchmark"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/benchmarks/ask": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask
         * @description Asks a model one question and measures the answer: tokens, speeds, first token, whole time, memory.
         */
        post: operations["askBenchmark"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/benchmarks/estimate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Estimate Benchmark
         * @description How long such a benchmark would take; nothing is measured for it.
         */
        post: operations["estimateBenchmark"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/benchmarks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Benchmark
         * @description One, with the figures that it has by now.
         */
        get: operations["getBenchmark"];
        put?: never;
        post?: never;
        /**
         * Delete Benchmark
         * @description Forgets one that has ended.
         */
        delete: operations["deleteBenchmark"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/benchmarks/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel Benchmark
         * @description Ends it and frees its models; it is kept with the figures that it has.
         */
        post: operations["cancelBenchmark"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/benchmarks/{id}/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export Benchmark
         * @description As a file: JSON or CSV for programs, Markdown, one drawing, or one page that needs nothing else.
         */
        get: operations["exportBenchmark"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/capture": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show Capture
         * @description Whether prompts and replies are written to a file now, and to which.
         */
        get: operations["showCapture"];
        put?: never;
        /**
         * Begin Capture
         * @description Has everybody's prompts and replies written to a file in the home folder, until the time or the file is full.
         */
        post: operations["beginCapture"];
        /**
         * End Capture
         * @description Ends it; the file stays. Nothing happens when it is off.
         */
        delete: operations["endCapture"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/chat-defaults": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Chat Defaults
         * @description What your new conversations begin with.
         */
        get: operations["chatDefaults"];
        /**
         * Put Chat Defaults
         * @description Sets both; conversations that there are stay as they are.
         */
        put: operations["putChatDefaults"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/chats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Chats
         * @description Your conversations, without their messages.
         */
        get: operations["listChats"];
        put?: never;
        /**
         * Create Chat
         * @description Begins a conversation; without a title it gets one by the first words said in it.
         */
        post: operations["createChat"];
        /**
         * Delete All Chats
         * @description Deletes all of your conversations, or none; for ten minutes each can be restored. Answers are stopped first.
         */
        delete: operations["deleteAllChats"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/chats/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export Chats
         * @description Your conversations as one file, that `POST /api/v1/chats/import` takes in.
         */
        get: operations["exportChats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/chats/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Import Chats
         * @description Takes conversations in, as `application/octet-stream`: all that are in the file, or none.
         */
        post: operations["importChats"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/chats/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Chat
         * @description A conversation with all its messages: a tree by their `parent_id`.
         */
        get: operations["getChat"];
        put?: never;
        post?: never;
        /**
         * Delete Chat
         * @description Deletes a conversation; for ten minutes it can be restored. An answer that is being written is stopped.
         */
        delete: operations["deleteChat"];
        options?: never;
        head?: never;
        /**
         * Change Chat
         * @description Changes what is said and leaves the rest.
         */
        patch: operations["changeChat"];
        trace?: never;
    };
    "/api/v1/chats/{id}/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Add File
         * @description Takes a file in, as `application/octet-stream`, by what is in it: an image, a sound, a text, or a PDF's text.
         */
        post: operations["addChatFile"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/chats/{id}/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create Message
         * @description Adds a message behind another, beside those that follow it already; it becomes the end of the branch shown.
         */
        post: operations["addChatMessage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/chats/{id}/messages/{message_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change Message
         * @description Edits a message in place; what follows it stays.
         */
        patch: operations["changeChatMessage"];
        trace?: never;
    };
    "/api/v1/chats/{id}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Restore Chat
         * @description Takes back a deletion.
         */
        post: operations["restoreChat"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/chats/{id}/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Start Run
         * @description Has a model answer: a new message behind another, or the same one gone on with. It is written whoever listens.
         */
        post: operations["startRun"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show Config
         * @description Every setting, and the version of the file.
         */
        get: operations["showConfig"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change Config
         * @description Writes `dovetail.toml`, whose comments stay, and applies it; 409 if somebody else has changed it first.
         */
        patch: operations["changeConfig"];
        trace?: never;
    };
    "/api/v1/downloads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Downloads
         * @description All downloads; the topic `downloads` of the events tells of their progress.
         */
        get: operations["listDownloads"];
        put?: never;
        /**
         * Start Download
         * @description Begins a download, once there is room for it on the disk.
         */
        post: operations["startDownload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/downloads/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Forget Download
         * @description Takes one that has ended off the list; the model stays.
         */
        delete: operations["forgetDownload"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/downloads/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel Download
         * @description Stops it and throws away what has come.
         */
        post: operations["cancelDownload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/downloads/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pause Download
         * @description Stops it where it is, also over a restart.
         */
        post: operations["pauseDownload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/downloads/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resume Download
         * @description Goes on with one that is paused.
         */
        post: operations["resumeDownload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/downloads/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retry Download
         * @description Tries one again that has failed, or that waits to be tried again.
         */
        post: operations["retryDownload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Events
         * @description What happens, as it happens: for each topic how it stands, then every change. Nothing has to be asked for again.
         *
         *     A client that comes back with `Last-Event-ID` gets what it missed, or `resync` and how things stand.
         */
        get: operations["events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/files/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get File
         * @description The bytes of a file.
         */
        get: operations["getChatFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/folders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Folder
         * @description The folders and models in a folder of models, or of another program's.
         */
        get: operations["listFolder"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hub/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Search Hub
         * @description Repositories of the hub by words.
         */
        get: operations["searchHub"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hub/{owner}/{name}/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Files
         * @description What a repository has to download, with sizes, and what of it fits here; not a byte of it moves.
         */
        get: operations["listHubFiles"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/journal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Journal
         * @description Requests that have ended: everybody's for an admin, else one's own. No texts.
         */
        get: operations["listJournal"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/journal.csv": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export Journal
         * @description All requests that are meant, the last that ended first, as a table for spreadsheets.
         */
        get: operations["exportJournal"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/journal/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Summarize Journal
         * @description How many there were and how long they took: the median, and what 95 and 99 of a hundred stayed within.
         */
        get: operations["summarizeJournal"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Keys
         * @description One's keys with what they used, without their secrets; an admin may ask for `all`.
         */
        get: operations["listKeys"];
        put?: never;
        /**
         * Create Key
         * @description A new key. The answer shows it, and nothing ever again.
         */
        post: operations["createKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke Key
         * @description Revokes a key at once: one's own, or anybody's for an admin.
         */
        delete: operations["revokeKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Entries
         * @description Every model with its place, its settings and its state.
         */
        get: operations["listModelEntries"];
        put?: never;
        /**
         * Add Model
         * @description Adds a model by its path, inside a folder of models or of another program; its header is read first.
         */
        post: operations["addModel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/estimate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Estimate Model
         * @description What a load would take, whether it fits beside what is loaded, and what to change if not. Loads nothing.
         */
        post: operations["estimateModel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/found": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Found
         * @description The models that LM Studio, Ollama and the Hugging Face cache have on this machine.
         */
        get: operations["listFoundModels"];
        put?: never;
        /**
         * Add Found
         * @description Serves them where they lie: nothing is copied.
         */
        post: operations["addFoundModels"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove Model
         * @description Removes a model's entry, and with `files` its files, once it is unloaded; `confirm` is its id once more.
         */
        delete: operations["removeModel"];
        options?: never;
        head?: never;
        /**
         * Change Model
         * @description Changes a model's settings, at once; a worker that was loaded otherwise goes when its last request ends.
         */
        patch: operations["changeModel"];
        trace?: never;
    };
    "/api/v1/models/{id}/adapters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Model Adapters
         * @description The adapters of a model's format, and which of them cannot be applied to it. Reads headers, loads nothing.
         */
        get: operations["modelAdapters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{id}/details": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Model Details
         * @description What a model's files say: numbers, tensors by type, metadata of GGUF, checks of MLX. Loads nothing.
         */
        get: operations["modelDetails"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{id}/load": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Load Entry
         * @description Loads a model and answers when it is ready; goes on when the client leaves, `/unload` ends it.
         */
        post: operations["loadModelEntry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{id}/removal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Model Removal
         * @description What would go with a model: nothing does yet.
         */
        get: operations["modelRemoval"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{id}/unload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Unload Entry
         * @description Ends the load of a model, or unloads it once its running requests are done.
         */
        post: operations["unloadModelEntry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/presets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Presets
         * @description Your presets.
         */
        get: operations["listPresets"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/presets/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Put Preset
         * @description Makes a preset, or another of one there is.
         */
        put: operations["putPreset"];
        post?: never;
        /**
         * Delete Preset
         * @description Removes a preset.
         */
        delete: operations["deletePreset"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/requests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Requests
         * @description Every generation, embedding, ranking, token count and load that waits or runs, without what was written in it.
         */
        get: operations["listRequests"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/requests/{request_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel Request
         * @description Ends a request, queued or running: its client gets the error `cancelled`, its slot is free.
         */
        post: operations["cancelRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel Run
         * @description Stops writing and keeps what there is; the model is free when this answers. One that has ended stays as it is.
         */
        post: operations["cancelRun"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Run Events
         * @description What is written, as it is written: the message so far, then each piece; of a run that has ended, its end.
         */
        get: operations["runEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Sessions
         * @description Where one is logged in; an admin may ask for `all`.
         */
        get: operations["listSessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End Session
         * @description Ends a session at once: one's own, or anybody's for an admin.
         */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Users
         * @description All accounts, the super-admin first.
         */
        get: operations["listUsers"];
        put?: never;
        /**
         * Create User
         * @description Makes an account.
         */
        post: operations["createUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove User
         * @description Removes an account, its sessions, its keys and its conversations.
         */
        delete: operations["removeUser"];
        options?: never;
        head?: never;
        /**
         * Change User
         * @description Another role, or another password: that ends the account's sessions.
         */
        patch: operations["changeUser"];
        trace?: never;
    };
    "/api/version": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Version
         * @description The version of the API, and the server's own.
         */
        get: operations["ollamaVersion"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Login
         * @description A session, as a cookie that no page can read.
         */
        post: operations["authLogin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Logout
         * @description Ends the session; without one there is nothing to end.
         */
        post: operations["authLogout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change Password
         * @description Another password for one's own account; its other sessions end.
         */
        post: operations["changePassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/setup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Setup
         * @description Makes the super-admin, once, and logs in.
         */
        post: operations["authSetup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Status
         * @description Whether there is an account yet, and who is asking.
         */
        get: operations["authStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Health
         * @description 200 while the gateway can serve, of one `model` too. Asks no worker and no database.
         */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/props": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show Props
         * @description What a model is like to ask: the context of one request, slots, template, modalities. Loads nothing.
         */
        get: operations["props"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Models
         * @description Every model, or with `?loaded=true` those that are loaded; with a key, those that it is good for.
         */
        get: operations["listModels"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audio/transcriptions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Speech Status
         * @description Whether recordings are written down here, and by which model.
         */
        get: operations["speechStatus"];
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
        /**
         * About
         * @description Versions, null for what is not installed, and the machine.
         *
         *     llama_cpp  the one in use: the package's own (`wheel`), the package compiled here (`native`), another `program`, or
         *         null for none
         */
        About: {
            /** Dovetail */
            dovetail: string;
            /** Llama Cpp */
            llama_cpp: ("wheel" | "native" | "program") | null;
            /** Mlx */
            mlx: string | null;
            /** Mlx Lm */
            mlx_lm: string | null;
            /** Processor */
            processor: string;
            /** Python */
            python: string;
            /** System */
            system: string;
            /** Xllamacpp */
            xllamacpp: string | null;
        };
        /**
         * AddFound
         * @description Serve what a program has: its folder as it is, or of Ollama's models those `ids`, or all.
         */
        AddFound: {
            /**
             * Ids
             * @default []
             */
            ids?: string[];
            /**
             * Tool
             * @enum {string}
             */
            tool: "lm-studio" | "huggingface" | "ollama";
            /**
             * Version
             * @default null
             */
            version?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * AskAnswer
         * @description The whole answer.
         */
        AskAnswer: {
            figures: components["schemas"]["AskFigures"];
            /** Finish Reason */
            finish_reason: ("stop" | "length" | "tool_calls") | null;
            /** Reasoning */
            reasoning: string;
            /** Text */
            text: string;
        };
        /**
         * AskChunk
         * @description A piece of the answer, or figures, or both; the last has the `finish_reason`.
         */
        AskChunk: {
            /** @default null */
            figures?: components["schemas"]["AskFigures"] | null;
            /**
             * Finish Reason
             * @default null
             */
            finish_reason?: ("stop" | "length" | "tool_calls") | null;
            /**
             * Reasoning
             * @default null
             */
            reasoning?: string | null;
            /**
             * Text
             * @default null
             */
            text?: string | null;
        };
        /**
         * AskFigures
         * @description What the answer took; null is what is not known yet, or cannot be read here.
         *
         *     `tokens_per_second` counts from the first token on, `time_taken_s` includes a load, `load_s` of it was one.
         */
        AskFigures: {
            /** First Token S */
            first_token_s: number | null;
            /** Input Tokens */
            input_tokens: number | null;
            /** Load S */
            load_s: number;
            /** Max Ram Mb */
            max_ram_mb: number | null;
            /** Output Tokens */
            output_tokens: number;
            /** Prompt Tokens Per Second */
            prompt_tokens_per_second: number | null;
            /** Time Taken S */
            time_taken_s: number;
            /** Tokens Per Second */
            tokens_per_second: number | null;
        };
        /**
         * AskRequest
         * @description One question.
         */
        AskRequest: {
            /**
             * Max Tokens
             * @default 256
             */
            max_tokens?: number;
            /**
             * Model
             * @description A model's id or one of its aliases.
             */
            model: string;
            /** Prompt */
            prompt: string;
            /**
             * Stream
             * @description As it comes, with figures several times a second; else whole.
             * @default false
             */
            stream?: boolean;
            /**
             * System
             * @default null
             */
            system?: string | null;
            /**
             * Temperature
             * @default null
             */
            temperature?: number | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * AuthStatus
         * @description Whether there is an account, and who is asking; names are told to those who have one.
         *
         *     `capture`: prompts and replies are written to a file now, which people are to be told.
         */
        AuthStatus: {
            /** Authenticated */
            authenticated: boolean;
            /** Capture */
            capture: boolean;
            /** Initialized */
            initialized: boolean;
            /** Name */
            name: string | null;
            /** Role */
            role: ("viewer" | "member" | "admin") | null;
            /** Setup Needs Code */
            setup_needs_code: boolean;
            /** Setup Required */
            setup_required: boolean;
            /** Superadminid */
            superAdminId: string | null;
        };
        /**
         * Benchmark
         * @description One run, as it is kept. Times are seconds since 1970; `error` says what ended it, or holds it up.
         */
        Benchmark: {
            /** Began */
            began: number;
            /**
             * Ended
             * @default null
             */
            ended?: number | null;
            /**
             * Error
             * @default null
             */
            error?: string | null;
            /** Id */
            id: string;
            /**
             * Models
             * @default []
             */
            models?: components["schemas"]["ModelResult"][];
            plan: components["schemas"]["Plan"];
            setup: components["schemas"]["Setup"];
            /**
             * State
             * @default running
             * @enum {string}
             */
            state?: "waiting" | "running" | "done" | "cancelled" | "failed";
        };
        /**
         * BenchmarkAnswer
         * @description A benchmark with the figures it has, and how far it is while it is under way.
         */
        BenchmarkAnswer: {
            benchmark: components["schemas"]["Benchmark"];
            progress: components["schemas"]["Progress"] | null;
        };
        /**
         * BenchmarkEstimate
         * @description How long it would take, in seconds; `measured` where all models were measured here before, else a guess.
         */
        BenchmarkEstimate: {
            /** Measured */
            measured: boolean;
            /** Seconds */
            seconds: number;
            /** Steps */
            steps: number;
        };
        /**
         * BenchmarkEvent
         * @description A benchmark that goes on, or that has ended.
         */
        BenchmarkEvent: {
            data: components["schemas"]["BenchmarkUnderWay"];
            /** Seq */
            seq: number;
            /**
             * Topic
             * @constant
             */
            topic: "bench";
            /**
             * Type
             * @enum {string}
             */
            type: "progress" | "ended";
        };
        /**
         * BenchmarkList
         * @description Benchmarks, the newest first; `progress` is of the one under way, which is then the first.
         */
        BenchmarkList: {
            /** Data */
            data: components["schemas"]["Benchmark"][];
            progress: components["schemas"]["Progress"] | null;
        };
        /**
         * BenchmarkRequest
         * @description What is to be measured: every prompt length with every answer length and every number of requests at once.
         */
        BenchmarkRequest: {
            /**
             * Gen
             * @description Tokens of an answer.
             * @default [
             *       128
             *     ]
             */
            gen?: number[];
            /** Models */
            models: string[];
            /**
             * Name
             * @default
             */
            name?: string;
            /**
             * Prompt
             * @description Tokens of a prompt.
             * @default [
             *       512
             *     ]
             */
            prompt?: number[];
            /** @default null */
            quality?: components["schemas"]["QualityBody"] | null;
            /**
             * Repeat
             * @default 3
             */
            repeat?: number;
            /**
             * Streams
             * @description Requests at once.
             * @default [
             *       1
             *     ]
             */
            streams?: number[];
            /**
             * Warmup
             * @description One run of each first, which does not count.
             * @default true
             */
            warmup?: boolean;
            /**
             * When Busy
             * @description While other requests run.
             * @default wait
             * @enum {string}
             */
            when_busy?: "wait" | "refuse";
        } & {
            [key: string]: unknown;
        };
        /**
         * BenchmarkUnderWay
         * @description A benchmark without its figures; `progress` is null once it has ended.
         */
        BenchmarkUnderWay: {
            /** Error */
            error: string | null;
            /** Id */
            id: string;
            progress: components["schemas"]["Progress"] | null;
            /**
             * State
             * @enum {string}
             */
            state: "waiting" | "running" | "done" | "cancelled" | "failed";
        };
        /**
         * BenchmarksData
         * @description The benchmark that runs, if one does.
         */
        BenchmarksData: {
            running: components["schemas"]["BenchmarkUnderWay"] | null;
        };
        /**
         * BenchmarksSnapshot
         * @description What runs.
         */
        BenchmarksSnapshot: {
            data: components["schemas"]["BenchmarksData"];
            /** Seq */
            seq: number;
            /**
             * Topic
             * @constant
             */
            topic: "bench";
            /**
             * Type
             * @constant
             */
            type: "snapshot";
        };
        /**
         * CacheStats
         * @description Whether the prompt cache had the beginning of the prompt, and how many tokens of it.
         */
        CacheStats: {
            /** Hit */
            hit: boolean;
            /** Prefix Length */
            prefix_length: number;
        };
        /**
         * CacheUse
         * @description `kv_cache`.
         */
        CacheUse: {
            /** Cached Tokens */
            cached_tokens: number;
            stats: components["schemas"]["CacheStats"];
        };
        /**
         * CachedTokens
         * @description `prompt_tokens_details`.
         */
        CachedTokens: {
            /** Cached Tokens */
            cached_tokens: number;
        };
        /**
         * CalibrationAnswer
         * @description What the model was measured to write in all, by the number of streams; empty while that is not known.
         */
        CalibrationAnswer: {
            /** Running */
            running: boolean;
            /** Tokens Per Second */
            tokens_per_second: {
                [key: string]: number;
            };
        };
        /**
         * CancelAnswer
         * @description How many requests were ended: an id may be the client's own.
         */
        CancelAnswer: {
            /** Cancelled */
            cancelled: number;
        };
        /**
         * CaptureAnswer
         * @description Whether prompts and replies are written to a file, `until` when (seconds since 1970) at the latest.
         */
        CaptureAnswer: {
            /** Bytes */
            bytes: number;
            /** On */
            on: boolean;
            /** Path */
            path: string | null;
            /** Until */
            until: number | null;
        };
        /**
         * CaptureRequest
         * @description For how long; at most, and where it is left out, `log.capture_minutes`.
         */
        CaptureRequest: {
            /**
             * Minutes
             * @default null
             */
            minutes?: number | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * Cell
         * @description One thing to measure: prompts of so many tokens, answers of so many, and how many requests at once.
         */
        Cell: {
            /** Gen */
            gen: number;
            /** Prompt */
            prompt: number;
            /**
             * Streams
             * @default 1
             */
            streams?: number;
        };
        /**
         * CellResult
         * @description All repeats of a cell of one model; tokens are those of one repeat.
         */
        CellResult: {
            cell: components["schemas"]["Cell"];
            decode: components["schemas"]["Spread"];
            /** Gap P95 */
            gap_p95: number | null;
            /** Input Tokens */
            input_tokens: number;
            /** Output Tokens */
            output_tokens: number;
            peak: components["schemas"]["Peak"];
            prefill: components["schemas"]["Spread"];
            seconds: components["schemas"]["Spread"];
            stream_decode: components["schemas"]["Spread"];
            ttft: components["schemas"]["Spread"];
            /** Ttft P95 */
            ttft_p95: number;
        };
        /**
         * ChangeAnswer
         * @description What alone makes a model fit: other `settings`, models to `unload`, or else weights of `at_most` bytes.
         *
         *     `text` is the same for people.
         */
        ChangeAnswer: {
            /** At Most */
            at_most: number | null;
            /** Settings */
            settings: {
                [key: string]: number | string;
            };
            /** Text */
            text: string;
            /** Unload */
            unload: string[];
        };
        /**
         * ChatChange
         * @description What is to change; what is not said stays. `folder` and `model` may become null.
         */
        ChatChange: {
            /**
             * Folder
             * @default null
             */
            folder?: string | null;
            /**
             * Leaf Id
             * @default null
             */
            leaf_id?: string | null;
            /**
             * Model
             * @default null
             */
            model?: string | null;
            /**
             * Params
             * @default null
             */
            params?: {
                [key: string]: unknown;
            } | null;
            /**
             * Pinned
             * @default null
             */
            pinned?: boolean | null;
            /**
             * System Prompt
             * @default null
             */
            system_prompt?: string | null;
            /**
             * Title
             * @default null
             */
            title?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * ChatChanged
         * @description A message that is new or changed, and its conversation.
         */
        ChatChanged: {
            chat: components["schemas"]["ChatSummary"];
            message: components["schemas"]["ChatMessage"];
        };
        /**
         * ChatDefaults
         * @description What new conversations begin with; null for a model: the one that was used last.
         */
        ChatDefaults: {
            /** Model */
            model: string | null;
            preset: components["schemas"]["PresetObject"] | null;
        };
        /**
         * ChatError
         * @description Why an answer is not whole: as an error of the API, `param` is the field at fault.
         */
        ChatError: {
            /** Code */
            code: string;
            /** Message */
            message: string;
            /** Param */
            param: string | null;
        };
        /**
         * ChatExport
         * @description The whole file.
         */
        ChatExport: {
            /** Chats */
            chats: components["schemas"]["ExportedChat"][];
            /**
             * Format
             * @constant
             */
            format: "dovetail-chats";
            /** Presets */
            presets: components["schemas"]["ExportedPreset"][];
            /**
             * Version
             * @constant
             */
            version: 1;
        };
        /**
         * ChatFilePart
         * @description A file of the conversation: `GET /api/v1/files/{file_id}` has its bytes. A `file` is text.
         */
        ChatFilePart: {
            /** Bytes */
            bytes: number;
            /** File Id */
            file_id: string;
            /** Media Type */
            media_type: string;
            /** Name */
            name: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "audio" | "file" | "image";
        };
        /**
         * ChatList
         * @description The pinned first, then those changed last; `next` is what `after` is for the page behind this one.
         */
        ChatList: {
            /** Data */
            data: components["schemas"]["ChatListed"][];
            /** Folders */
            folders: string[];
            /** Next */
            next: string | null;
        };
        /**
         * ChatListed
         * @description One of the list; `hit` is where the text that was looked for stands, `hit_id` in which message.
         */
        ChatListed: {
            /** Created At */
            created_at: number;
            /** Folder */
            folder: string | null;
            /** Hit */
            hit: string | null;
            /** Hit Id */
            hit_id: string | null;
            /** Id */
            id: string;
            /** Leaf Id */
            leaf_id: string | null;
            /** Model */
            model: string | null;
            /** Params */
            params: {
                [key: string]: unknown;
            };
            /** Pinned */
            pinned: boolean;
            /** Running */
            running: string | null;
            /** System Prompt */
            system_prompt: string;
            /** Title */
            title: string;
            /**
             * Title By
             * @enum {string}
             */
            title_by: "words" | "user";
            /** Updated At */
            updated_at: number;
        };
        /**
         * ChatMessage
         * @description A message; `parent_id` is null of one that begins the conversation. `created_at` in seconds since 1970.
         *
         *     Of an answer: `model` and `params` that it was asked with, and the figures of its last run.
         */
        ChatMessage: {
            /** Created At */
            created_at: number;
            error: components["schemas"]["ChatError"] | null;
            /** Finish Reason */
            finish_reason: ("stop" | "length" | "tool_calls") | null;
            /** Id */
            id: string;
            /** Model */
            model: string | null;
            /** Params */
            params: {
                [key: string]: unknown;
            } | null;
            /** Parent Id */
            parent_id: string | null;
            /** Parts */
            parts: (components["schemas"]["ChatTextPart"] | components["schemas"]["ChatReasoningPart"] | components["schemas"]["ChatToolCallPart"] | components["schemas"]["ChatToolResultPart"] | components["schemas"]["ChatFilePart"])[];
            /**
             * Role
             * @enum {string}
             */
            role: "user" | "assistant" | "tool" | "system";
            /** Run Id */
            run_id: string | null;
            /**
             * Status
             * @enum {string}
             */
            status: "streaming" | "complete" | "stopped" | "error";
            timings: components["schemas"]["ChatTimings"] | null;
            usage: components["schemas"]["UsageAnswer"] | null;
        };
        /**
         * ChatObject
         * @description A conversation with all its messages, in the order they came.
         */
        ChatObject: {
            /** Created At */
            created_at: number;
            /** Folder */
            folder: string | null;
            /** Id */
            id: string;
            /** Leaf Id */
            leaf_id: string | null;
            /** Messages */
            messages: components["schemas"]["ChatMessage"][];
            /** Model */
            model: string | null;
            /** Params */
            params: {
                [key: string]: unknown;
            };
            /** Pinned */
            pinned: boolean;
            /** Running */
            running: string | null;
            /** System Prompt */
            system_prompt: string;
            /** Title */
            title: string;
            /**
             * Title By
             * @enum {string}
             */
            title_by: "words" | "user";
            /** Updated At */
            updated_at: number;
        };
        /**
         * ChatReasoningPart
         * @description What the model thought, and for how many seconds; null where that is not known.
         */
        ChatReasoningPart: {
            /** Seconds */
            seconds: number | null;
            /** Text */
            text: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "reasoning";
        };
        /**
         * ChatSummary
         * @description A conversation; `title_by` says who named it, `leaf_id` ends the branch shown, `running` is the run under way.
         */
        ChatSummary: {
            /** Created At */
            created_at: number;
            /** Folder */
            folder: string | null;
            /** Id */
            id: string;
            /** Leaf Id */
            leaf_id: string | null;
            /** Model */
            model: string | null;
            /** Params */
            params: {
                [key: string]: unknown;
            };
            /** Pinned */
            pinned: boolean;
            /** Running */
            running: string | null;
            /** System Prompt */
            system_prompt: string;
            /** Title */
            title: string;
            /**
             * Title By
             * @enum {string}
             */
            title_by: "words" | "user";
            /** Updated At */
            updated_at: number;
        };
        /**
         * ChatTextPart
         * @description Text.
         */
        ChatTextPart: {
            /** Text */
            text: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "text";
        };
        /**
         * ChatTimings
         * @description Milliseconds and tokens: by the server's clock, then by the worker's, null where it has not told.
         *
         *     `ttft_ms` until the first piece of the answer, of which `queued_ms` in line and `loading_ms` for the model.
         */
        ChatTimings: {
            /** Cache N */
            cache_n: number | null;
            /** Loading Ms */
            loading_ms: number;
            /** Predicted Ms */
            predicted_ms: number | null;
            /** Predicted N */
            predicted_n: number | null;
            /** Predicted Per Second */
            predicted_per_second: number | null;
            /** Prompt Ms */
            prompt_ms: number | null;
            /** Prompt N */
            prompt_n: number | null;
            /** Prompt Per Second */
            prompt_per_second: number | null;
            /** Queued Ms */
            queued_ms: number;
            /** Total Ms */
            total_ms: number;
            /** Ttft Ms */
            ttft_ms: number | null;
        };
        /**
         * ChatToolCallPart
         * @description A tool that the model calls; `arguments` is JSON text as the model wrote it, maybe not to its end.
         */
        ChatToolCallPart: {
            /** Arguments */
            arguments: string;
            /** Id */
            id: string;
            /** Name */
            name: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "tool_call";
        };
        /**
         * ChatToolResultPart
         * @description What a tool said.
         */
        ChatToolResultPart: {
            /** Text */
            text: string;
            /** Tool Call Id */
            tool_call_id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "tool_result";
        };
        /**
         * ChatsDeleted
         * @description The ids of the conversations that are gone.
         */
        ChatsDeleted: {
            /** Chats */
            chats: string[];
        };
        /**
         * CheckAnswer
         * @description One check of a folder: what was found, and how to mend it.
         */
        CheckAnswer: {
            /** Found */
            found: string;
            /** Mend */
            mend: string;
            /** Name */
            name: string;
            /**
             * Status
             * @enum {string}
             */
            status: "pass" | "warn" | "fail";
        };
        /**
         * ConfigAnswer
         * @description Every setting as it is in force, by section; keys that were never set are null or their defaults.
         *
         *     version     of the file, for a change that is to follow; empty while there is none
         *     overridden  keys that the environment or a flag says: the file's word for them has no effect
         *     fixed       keys that a running server does not change
         *     file_only   sections and keys that are not changed over HTTP
         *     problem     why the file as it is now is not in force
         */
        ConfigAnswer: {
            /** File Only */
            file_only: string[];
            /** Fixed */
            fixed: string[];
            /** Overridden */
            overridden: string[];
            /** Path */
            path: string | null;
            /** Problem */
            problem: string | null;
            /** Values */
            values: {
                [key: string]: unknown;
            };
            /** Version */
            version: string;
        };
        /**
         * ConfigChange
         * @description A merge patch (RFC 7396) of the file: `{"fleet": {"idle_ttl": 60, "memory": null}}`; null takes a key out.
         */
        ConfigChange: {
            /** Change */
            change: {
                [key: string]: unknown;
            };
            /**
             * Version
             * @description The version that was read, also as `If-Match`.
             * @default null
             */
            version?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * Divergence
         * @description How far a model's distributions are from those of `reference`, at the same positions of the same text.
         *
         *     kl, kl_sd, kl_p95   nats a token, at least: what neither list names counts as one token (`unseen` of the
         *                         reference's probability, on average). `kl_sd` is the mean's standard error.
         *     same_top            share of the positions at which both find the same token likeliest
         */
        Divergence: {
            /** Kl */
            kl: number;
            /** Kl P95 */
            kl_p95: number;
            /** Kl Sd */
            kl_sd: number;
            /** Positions */
            positions: number;
            /** Reference */
            reference: string;
            /** Same Top */
            same_top: number;
            /** Unseen */
            unseen: number;
        };
        /**
         * Done
         * @description It is done.
         */
        Done: {
            /**
             * Ok
             * @constant
             */
            ok: true;
        };
        /**
         * DownloadAnswer
         * @description A download: bytes, bytes a second, seconds; `eta` is null while nothing moves.
         */
        DownloadAnswer: {
            /** Attempt */
            attempt: number;
            /** Choice */
            choice: string | null;
            /** Created */
            created: number;
            /** Done */
            done: number;
            error: components["schemas"]["Failure"] | null;
            /** Eta */
            eta: number | null;
            /** Files */
            files: components["schemas"]["HubFile"][];
            /** Id */
            id: string;
            /** Path */
            path: string | null;
            /** Repo */
            repo: string;
            /** Retry In */
            retry_in: number | null;
            /** Revision */
            revision: string;
            /** Speed */
            speed: number;
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "running" | "retrying" | "paused" | "done" | "failed" | "cancelled";
            /** Total */
            total: number;
        };
        /**
         * DownloadChanged
         * @description A download as it is now: in another state, or further.
         */
        DownloadChanged: {
            data: components["schemas"]["DownloadAnswer"];
            /** Seq */
            seq: number;
            /**
             * Topic
             * @constant
             */
            topic: "downloads";
            /**
             * Type
             * @enum {string}
             */
            type: "changed" | "progress";
        };
        /**
         * DownloadGone
         * @description A download that was taken off the list.
         */
        DownloadGone: {
            data: components["schemas"]["ModelName"];
            /** Seq */
            seq: number;
            /**
             * Topic
             * @constant
             */
            topic: "downloads";
            /**
             * Type
             * @constant
             */
            type: "gone";
        };
        /**
         * DownloadList
         * @description The newest first; `free` bytes on the disk, the hub's address, and whether there is a token for it.
         */
        DownloadList: {
            /** Data */
            data: components["schemas"]["DownloadAnswer"][];
            /** Endpoint */
            endpoint: string;
            /** Free */
            free: number;
            /** Token */
            token: boolean;
        };
        /**
         * DownloadsData
         * @description Every download, the newest first.
         */
        DownloadsData: {
            /** Downloads */
            downloads: components["schemas"]["DownloadAnswer"][];
        };
        /**
         * DownloadsSnapshot
         * @description All downloads.
         */
        DownloadsSnapshot: {
            data: components["schemas"]["DownloadsData"];
            /** Seq */
            seq: number;
            /**
             * Topic
             * @constant
             */
            topic: "downloads";
            /**
             * Type
             * @constant
             */
            type: "snapshot";
        };
        /**
         * EndedRequest
         * @description A request that has ended. `began` is in seconds since 1970, other times are durations in seconds.
         *
         *     `id` is the answer's own, `request_id` its `x-request-id`. `prefill` and `decode` by the worker's clock, null where
         *     it has not told; `prompt_speed` and `speed` in tokens a second. `status` 499: its client left, or it was cancelled.
         */
        EndedRequest: {
            /** Began */
            began: number;
            /** Cached Tokens */
            cached_tokens: number;
            /** Caller */
            caller: string;
            /** Choices */
            choices: number;
            /** Completion Tokens */
            completion_tokens: number;
            /** Decode */
            decode: number | null;
            /** Duration */
            duration: number;
            /** Endpoint */
            endpoint: string;
            /** Error */
            error: string | null;
            /** Finish */
            finish: string | null;
            /** Id */
            id: string;
            /** Key */
            key: string | null;
            /** Kind */
            kind: string;
            /** Loading */
            loading: number;
            /** Model */
            model: string;
            /** Prefill */
            prefill: number | null;
            /** Prompt Speed */
            prompt_speed: number | null;
            /** Prompt Tokens */
            prompt_tokens: number;
            /** Queued */
            queued: number;
            /** Request Id */
            request_id: string;
            /** Speed */
            speed: number | null;
            /** Status */
            status: number;
            /** Streamed */
            streamed: boolean;
            /** Ttft */
            ttft: number | null;
        };
        /**
         * EntryAnswer
         * @description A request of the journal; `number` is its place in it.
         */
        EntryAnswer: {
            /** Began */
            began: number;
            /** Cached Tokens */
            cached_tokens: number;
            /** Caller */
            caller: string;
            /** Choices */
            choices: number;
            /** Completion Tokens */
            completion_tokens: number;
            /** Decode */
            decode: number | null;
            /** Duration */
            duration: number;
            /** Endpoint */
            endpoint: string;
            /** Error */
            error: string | null;
            /** Finish */
            finish: string | null;
            /** Id */
            id: string;
            /** Key */
            key: string | null;
            /** Kind */
            kind: string;
            /** Loading */
            loading: number;
            /** Model */
            model: string;
            /** Number */
            number: number;
            /** Prefill */
            prefill: number | null;
            /** Prompt Speed */
            prompt_speed: number | null;
            /** Prompt Tokens */
            prompt_tokens: number;
            /** Queued */
            queued: number;
            /** Request Id */
            request_id: string;
            /** Speed */
            speed: number | null;
            /** Status */
            status: number;
            /** Streamed */
            streamed: boolean;
            /** Ttft */
            ttft: number | null;
        };
        Error: {
            error: {
                code: string | null;
                message: string;
                param: string | null;
                type: string;
            };
        };
        /**
         * EstimateAnswer
         * @description What a load would take; see docs/memory.md. Bytes, null where memory is not counted.
         *
         *     memory   what would be kept for it; `measured` says whether an earlier load has shown it
         *     limit    what all models may take, of which `free` is left beside those that are loaded
         *     verdict  it fits; or does once the idle models `evict` have gone; or waits for busy ones; or never does: `changes`,
         *              and `advice` is all of them in one line
         */
        EstimateAnswer: {
            /** Advice */
            advice: string;
            /** Changes */
            changes: components["schemas"]["ChangeAnswer"][];
            /** Context */
            context: number;
            /** Device Limit */
            device_limit: number | null;
            /** Evict */
            evict: string[];
            /** Free */
            free: number | null;
            /** Gpu Layers */
            gpu_layers: number | null;
            /** Limit */
            limit: number | null;
            /** Measured */
            measured: boolean;
            /** Memory */
            memory: number;
            /** Model */
            model: string;
            need: components["schemas"]["NeedAnswer"];
            /** Parallel */
            parallel: number;
            /**
             * Verdict
             * @enum {string}
             */
            verdict: "fits" | "evicts" | "waits" | "too_large";
        };
        /**
         * EstimateRequest
         * @description A load that is thought of: of a model by its id, a file that could be added, or one of the hub by its header.
         *
         *     Options go over the settings, `settings` as well: null takes a key out, as when they are changed.
         */
        EstimateRequest: {
            /**
             * Batch
             * @default null
             */
            batch?: number | null;
            /**
             * Cache Ram
             * @default null
             */
            cache_ram?: number | null;
            /**
             * Cache Type K
             * @default null
             */
            cache_type_k?: ("f32" | "f16" | "bf16" | "q8_0" | "q5_1" | "q5_0" | "q4_1" | "q4_0") | null;
            /**
             * Cache Type V
             * @default null
             */
            cache_type_v?: ("f32" | "f16" | "bf16" | "q8_0" | "q5_1" | "q5_0" | "q4_1" | "q4_0") | null;
            /**
             * Context
             * @default null
             */
            context?: number | null;
            /**
             * Flash Attention
             * @default null
             */
            flash_attention?: boolean | null;
            /**
             * Gpu Layers
             * @default null
             */
            gpu_layers?: number | null;
            /**
             * Model
             * @default null
             */
            model?: string | null;
            /**
             * Parallel
             * @default null
             */
            parallel?: number | null;
            /**
             * Path
             * @default null
             */
            path?: string | null;
            /**
             * Repo
             * @description `owner/name:CHOICE`, as for a download.
             * @default null
             */
            repo?: string | null;
            /**
             * Settings
             * @description As `[models.ID]` has them.
             * @default {}
             */
            settings?: {
                [key: string]: unknown;
            };
            /**
             * Ubatch
             * @default null
             */
            ubatch?: number | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * ExportedChat
         * @description A conversation with all its messages, and its files by their ids.
         */
        ExportedChat: {
            /** Created At */
            created_at: number;
            /** Files */
            files: {
                [key: string]: components["schemas"]["ExportedFile"];
            };
            /** Folder */
            folder: string | null;
            /** Id */
            id: string;
            /** Leaf Id */
            leaf_id: string | null;
            /** Messages */
            messages: components["schemas"]["ChatMessage"][];
            /** Model */
            model: string | null;
            /** Params */
            params: {
                [key: string]: unknown;
            };
            /** Pinned */
            pinned: boolean;
            /** Running */
            running: string | null;
            /** System Prompt */
            system_prompt: string;
            /** Title */
            title: string;
            /**
             * Title By
             * @enum {string}
             */
            title_by: "words" | "user";
            /** Updated At */
            updated_at: number;
        };
        /**
         * ExportedFile
         * @description A file of a conversation.
         */
        ExportedFile: {
            /** Base64 */
            base64: string;
            /** Media Type */
            media_type: string;
            /** Name */
            name: string;
        };
        /**
         * ExportedPreset
         * @description A preset.
         */
        ExportedPreset: {
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Params */
            params: {
                [key: string]: unknown;
            };
            /** System Prompt */
            system_prompt: string;
            /** Updated At */
            updated_at: number;
        };
        /**
         * Failure
         * @description Why the last try failed.
         */
        Failure: {
            /** Code */
            code: string;
            /** Message */
            message: string;
        };
        /**
         * FileAnswer
         * @description One file of a model.
         */
        FileAnswer: {
            /** Bytes */
            bytes: number;
            /** Name */
            name: string;
        };
        /**
         * FittingAdapter
         * @description An adapter that has the model's format; `problem` is why it cannot be applied to it.
         */
        FittingAdapter: {
            /** Name */
            name: string;
            /** Path */
            path: string;
            /** Problem */
            problem: string | null;
        };
        /**
         * FittingAdapters
         * @description All of them; `default` is applied where a request names none.
         */
        FittingAdapters: {
            /** Data */
            data: components["schemas"]["FittingAdapter"][];
            /** Default */
            default: string | null;
        };
        /**
         * FolderAnswer
         * @description What is in a folder, folders first; `parent` is null where no way leads further up.
         */
        FolderAnswer: {
            /** Complete */
            complete: boolean;
            /** Entries */
            entries: components["schemas"]["FolderEntry"][];
            /** Parent */
            parent: string | null;
            /** Path */
            path: string | null;
        };
        /**
         * FolderEntry
         * @description A folder, or what can be added: a GGUF file, an MLX folder.
         */
        FolderEntry: {
            /** Bytes */
            bytes: number | null;
            /**
             * Kind
             * @enum {string}
             */
            kind: "folder" | "gguf" | "mlx";
            /** Name */
            name: string;
            /** Path */
            path: string;
        };
        /**
         * FoundAdded
         * @description What is served from now on.
         */
        FoundAdded: {
            /** Added */
            added: string[];
            /** Version */
            version: string;
        };
        /**
         * FoundModel
         * @description A model that another program has; `added` names it where it is served here already.
         */
        FoundModel: {
            /** Added */
            added: string | null;
            /** Bytes */
            bytes: number;
            /**
             * Format
             * @enum {string}
             */
            format: "gguf" | "mlx" | "whisper" | "remote";
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Path */
            path: string;
            /** Problem */
            problem: string | null;
            /** Quantisation */
            quantisation: string;
        };
        /**
         * FoundPlace
         * @description A program's folder and its models; `added` where the whole folder is served.
         */
        FoundPlace: {
            /** Added */
            added: boolean;
            /** Models */
            models: components["schemas"]["FoundModel"][];
            /** Path */
            path: string;
            /**
             * Tool
             * @enum {string}
             */
            tool: "lm-studio" | "huggingface" | "ollama";
        };
        /**
         * FoundPlaces
         * @description What other programs of this machine have.
         */
        FoundPlaces: {
            /** Data */
            data: components["schemas"]["FoundPlace"][];
        };
        /**
         * GenerationSettings
         * @description `n_ctx` is what one request may use in tokens, `params` what a request gets that says nothing.
         */
        GenerationSettings: {
            /** N Ctx */
            n_ctx: number;
            /** Params */
            params: {
                [key: string]: unknown;
            };
        };
        /**
         * GpuFigures
         * @description A GPU: percent of the time in which something ran on it, bytes, watts, degrees Celsius.
         *
         *     `shares`: its memory is the machine's.
         */
        GpuFigures: {
            /** Busy */
            busy: number | components["schemas"]["UnknownFigure"];
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Power */
            power: number | components["schemas"]["UnknownFigure"];
            /** Shares */
            shares: boolean;
            /** Source */
            source: string;
            /** Temperature */
            temperature: number | components["schemas"]["UnknownFigure"];
            /**
             * Vendor
             * @enum {string}
             */
            vendor: "nvidia" | "amd" | "intel" | "apple";
            /** Vram Total */
            vram_total: number | components["schemas"]["UnknownFigure"];
            /** Vram Used */
            vram_used: number | components["schemas"]["UnknownFigure"];
        };
        /**
         * Health
         * @description Liveness; slots are those of loaded models, or of the one model that was asked about.
         */
        Health: {
            /**
             * Context
             * @default null
             */
            context?: number | null;
            /**
             * Model
             * @default null
             */
            model?: string | null;
            /** Model Loaded */
            model_loaded: boolean;
            /** Models */
            models: components["schemas"]["ModelStateAnswer"][];
            /**
             * Reason
             * @default null
             */
            reason?: string | null;
            /** Slots Available */
            slots_available: number;
            /** Slots Total */
            slots_total: number;
            /**
             * State
             * @default null
             */
            state?: ("unloaded" | "starting" | "ready" | "stopping" | "failed") | null;
            /**
             * Status
             * @constant
             */
            status: "ok";
            /** Version */
            version: string;
            /**
             * Waiting
             * @default null
             */
            waiting?: number | null;
        };
        /**
         * HubEvent
         * @description One event.
         */
        HubEvent: components["schemas"]["MetricsEvent"] | components["schemas"]["ModelsSnapshot"] | components["schemas"]["ModelChanged"] | components["schemas"]["ModelGone"] | components["schemas"]["ModelsListed"] | components["schemas"]["DownloadsSnapshot"] | components["schemas"]["DownloadChanged"] | components["schemas"]["DownloadGone"] | components["schemas"]["RequestsSnapshot"] | components["schemas"]["RequestChanged"] | components["schemas"]["RequestEnded"] | components["schemas"]["RequestGone"] | components["schemas"]["Resync"] | components["schemas"]["LogsEvent"] | components["schemas"]["BenchmarksSnapshot"] | components["schemas"]["BenchmarkEvent"];
        /**
         * HubFile
         * @description One file of a repository.
         */
        HubFile: {
            /** Bytes */
            bytes: number;
            /** Name */
            name: string;
        };
        /**
         * HubHit
         * @description A repository that was found.
         */
        HubHit: {
            /** Downloads */
            downloads: number;
            /** Formats */
            formats: string[];
            /** Gated */
            gated: boolean;
            /** Likes */
            likes: number;
            /** Repo */
            repo: string;
            /** Updated */
            updated: string | null;
        };
        /**
         * HubHits
         * @description What is downloaded most comes first.
         */
        HubHits: {
            /** Data */
            data: components["schemas"]["HubHit"][];
        };
        /**
         * HubRepository
         * @description A repository; `room` is the memory that models may take, `free` that of the disk, in bytes.
         */
        HubRepository: {
            /** Free */
            free: number;
            /** Gated */
            gated: boolean;
            /** Repo */
            repo: string;
            /** Revision */
            revision: string;
            /** Room */
            room: number | null;
            /** Variants */
            variants: components["schemas"]["HubVariant"][];
        };
        /**
         * HubVariant
         * @description What can be downloaded by itself; `fit` is null where memory is not counted. `projector`: of no use alone.
         */
        HubVariant: {
            /** Bytes */
            bytes: number;
            /** Choice */
            choice: string | null;
            /** Files */
            files: string[];
            /** Fit */
            fit: ("fits" | "tight" | "too_large") | null;
            /** Projector */
            projector: boolean;
            /** Quantisation */
            quantisation: string;
            /** Recommended */
            recommended: boolean;
        };
        /**
         * ImportAnswer
         * @description The ids of the conversations that have come.
         */
        ImportAnswer: {
            /** Chats */
            chats: string[];
        };
        /**
         * JournalPage
         * @description Requests, the last that ended first; `next` is the `before` of the next page, null on the last.
         */
        JournalPage: {
            /** Data */
            data: components["schemas"]["EntryAnswer"][];
            /** Next */
            next: number | null;
        };
        /**
         * JournalSummary
         * @description Of all requests that are meant; figures are null where none has them, times in seconds, speed in tokens a second.
         *
         *     `dropped`: requests since the start that could not be written, and are missing.
         */
        JournalSummary: {
            /** Cached Tokens */
            cached_tokens: number;
            /** Completion Tokens */
            completion_tokens: number;
            /** Dropped */
            dropped: number;
            duration: components["schemas"]["Percentiles"] | null;
            /** Failed */
            failed: number;
            /** Prompt Tokens */
            prompt_tokens: number;
            /** Requests */
            requests: number;
            speed: components["schemas"]["Percentiles"] | null;
            ttft: components["schemas"]["Percentiles"] | null;
        };
        /**
         * KeyList
         * @description Keys, the newest first.
         */
        KeyList: {
            /** Data */
            data: components["schemas"]["KeyObject"][];
        };
        /**
         * KeyObject
         * @description A key without its secret; `used` is known to the minute, `usage` goes back thirty days.
         */
        KeyObject: {
            /** Account */
            account: string | null;
            /** Created */
            created: number;
            /** Endpoints */
            endpoints: string[];
            /** Expires */
            expires: number | null;
            /** Id */
            id: string;
            limits: components["schemas"]["LimitsAnswer"];
            /** Models */
            models: string[];
            /** Name */
            name: string;
            /** Prefix */
            prefix: string;
            /** Priority */
            priority: number;
            /** Read Only */
            read_only: boolean;
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "member" | "admin";
            /** Usage */
            usage: components["schemas"]["UsageOfDay"][];
            /** Used */
            used: number | null;
        };
        /**
         * KeyRequest
         * @description A key to be made: no more than its maker may do, and less where it says so.
         */
        KeyRequest: {
            /**
             * Days
             * @description Empty: it does not expire.
             * @default null
             */
            days?: number | null;
            /**
             * Endpoints
             * @description Paths it is good for, with all below them; empty: all.
             * @default []
             */
            endpoints?: string[];
            /**
             * @default {
             *       "concurrency": null,
             *       "requests_day": null,
             *       "requests_minute": null,
             *       "tokens_day": null,
             *       "tokens_minute": null
             *     }
             */
            limits?: components["schemas"]["LimitsBody"];
            /**
             * Models
             * @description Model ids it is good for; empty: all.
             * @default []
             */
            models?: string[];
            /** Name */
            name: string;
            /**
             * Priority
             * @description Admins alone raise it above 0.
             * @default 0
             */
            priority?: number;
            /**
             * Read Only
             * @description Good for GET alone.
             * @default false
             */
            read_only?: boolean;
            /**
             * Role
             * @description Empty: the maker's, at most member.
             * @default null
             */
            role?: ("viewer" | "member" | "admin") | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * LimitsAnswer
         * @description How much a key may use; null is no limit.
         */
        LimitsAnswer: {
            /** Concurrency */
            concurrency: number | null;
            /** Requests Day */
            requests_day: number | null;
            /** Requests Minute */
            requests_minute: number | null;
            /** Tokens Day */
            tokens_day: number | null;
            /** Tokens Minute */
            tokens_minute: number | null;
        };
        /**
         * LimitsBody
         * @description How much a key may use.
         */
        LimitsBody: {
            /**
             * Concurrency
             * @default null
             */
            concurrency?: number | null;
            /**
             * Requests Day
             * @default null
             */
            requests_day?: number | null;
            /**
             * Requests Minute
             * @default null
             */
            requests_minute?: number | null;
            /**
             * Tokens Day
             * @default null
             */
            tokens_day?: number | null;
            /**
             * Tokens Minute
             * @default null
             */
            tokens_minute?: number | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * LogLines
         * @description Lines, and how many between them and those before are no longer kept.
         */
        LogLines: {
            /** Dropped */
            dropped: number;
            /** Lines */
            lines: components["schemas"]["NumberedLine"][];
        };
        /**
         * LoggedIn
         * @description Who is logged in now; the session is a cookie.
         */
        LoggedIn: {
            /** Name */
            name: string;
            /**
             * Ok
             * @constant
             */
            ok: true;
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "member" | "admin";
        };
        /**
         * LoginRequest
         * @description The body of `/auth/login`.
         */
        LoginRequest: {
            /**
             * Name
             * @default admin
             */
            name?: string;
            /** Password */
            password: string;
            /**
             * Remember
             * @description Or else the browser forgets the login when it is closed.
             * @default true
             */
            remember?: boolean;
        } & {
            [key: string]: unknown;
        };
        /**
         * LogsEvent
         * @description The last lines, or more of them.
         */
        LogsEvent: {
            data: components["schemas"]["LogLines"];
            /** Seq */
            seq: number;
            /**
             * Topic
             * @constant
             */
            topic: "logs";
            /**
             * Type
             * @enum {string}
             */
            type: "snapshot" | "lines";
        };
        /**
         * MachineFigures
         * @description Percent of all CPUs that may be used, how many those are, and bytes of RAM.
         */
        MachineFigures: {
            /** Cpu */
            cpu: number | components["schemas"]["UnknownFigure"];
            /** Cpus */
            cpus: number;
            /** Gpus */
            gpus: components["schemas"]["GpuFigures"][];
            /** Memory Total */
            memory_total: number | components["schemas"]["UnknownFigure"];
            /** Memory Used */
            memory_used: number | components["schemas"]["UnknownFigure"];
            /** Processes */
            processes: components["schemas"]["ProcessFigures"][];
        };
        /**
         * MemoryFigures
         * @description Bytes of RAM: what models may take in all, what is kept for those that are loaded, and what these take now.
         */
        MemoryFigures: {
            /** Budget */
            budget: number;
            /** Reserved */
            reserved: number;
            /** Used */
            used: number;
        };
        /**
         * MessageChange
         * @description Other parts; what follows the message stays.
         */
        MessageChange: {
            /** Parts */
            parts: components["schemas"]["NewPart"][];
        } & {
            [key: string]: unknown;
        };
        /**
         * MetadataAnswer
         * @description One entry of a GGUF header: of a list the first values, and how many there are.
         */
        MetadataAnswer: {
            /**
             * Count
             * @default null
             */
            count?: number | null;
            /** Key */
            key: string;
            /** Type */
            type: string;
            /** Value */
            value: unknown;
        };
        /**
         * MetricsEvent
         * @description The figures of now: at the beginning, once a second, and when a model's state changes.
         */
        MetricsEvent: {
            data: components["schemas"]["Reading"];
            /** Seq */
            seq: number;
            /**
             * Topic
             * @constant
             */
            topic: "metrics";
            /**
             * Type
             * @enum {string}
             */
            type: "snapshot" | "sample";
        };
        /**
         * Modalities
         * @description What a model takes beside text.
         */
        Modalities: {
            /** Audio */
            audio: boolean;
            /** Vision */
            vision: boolean;
        };
        /**
         * ModelChange
         * @description What is to change of `[models.ID]`; null takes a key out.
         */
        ModelChange: {
            /** Settings */
            settings: {
                [key: string]: unknown;
            };
            /**
             * Version
             * @default null
             */
            version?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * ModelChanged
         * @description A model as it is now.
         */
        ModelChanged: {
            data: components["schemas"]["ModelFigures"];
            /** Seq */
            seq: number;
            /**
             * Topic
             * @constant
             */
            topic: "models";
            /**
             * Type
             * @constant
             */
            type: "changed";
        };
        /**
         * ModelDetails
         * @description All that a model's files say: `version` to `metadata` of GGUF, `sound` to `group_size` of MLX.
         *
         *     `qkv` says of q, k and v in how many layers they are of which type; `path` is told to admins.
         */
        ModelDetails: {
            /** Architecture */
            architecture: string;
            /** Bits Per Weight */
            bits_per_weight: number;
            /**
             * Byte Order
             * @default null
             */
            byte_order?: string | null;
            /** Bytes */
            bytes: number;
            /**
             * Checks
             * @default null
             */
            checks?: components["schemas"]["CheckAnswer"][] | null;
            /** Context */
            context: number;
            /**
             * Files
             * @default null
             */
            files?: components["schemas"]["FileAnswer"][] | null;
            /**
             * Format
             * @enum {string}
             */
            format: "gguf" | "mlx" | "whisper" | "remote";
            /**
             * Group Size
             * @default null
             */
            group_size?: number | null;
            /** Heads */
            heads: number;
            /** Id */
            id: string;
            /**
             * Kind
             * @default null
             */
            kind?: string | null;
            /** Kv Heads */
            kv_heads: number;
            /** Layers */
            layers: number;
            /**
             * Metadata
             * @default null
             */
            metadata?: components["schemas"]["MetadataAnswer"][] | null;
            /** Name */
            name: string | null;
            /** Parameters */
            parameters: number;
            /** Path */
            path: string | null;
            /**
             * Problem
             * @default null
             */
            problem?: string | null;
            /** Qkv */
            qkv: {
                [key: string]: {
                    [key: string]: number;
                };
            };
            /** Quantisation */
            quantisation: string;
            /**
             * Rope
             * @default null
             */
            rope?: {
                [key: string]: unknown;
            } | null;
            /**
             * Sound
             * @default null
             */
            sound?: boolean | null;
            /** Template */
            template: string | null;
            /** Tensors */
            tensors: components["schemas"]["TensorAnswer"][];
            /**
             * Tokenizer
             * @default null
             */
            tokenizer?: {
                [key: string]: unknown;
            } | null;
            /** Types */
            types: components["schemas"]["TypeShareAnswer"][];
            /**
             * Version
             * @default null
             */
            version?: number | null;
            /** Vocabulary */
            vocabulary: number;
            /** Width */
            width: number;
        };
        /**
         * ModelEntries
         * @description Every model; `version` is the configuration's, `free` are bytes left on the disk of the models folder.
         */
        ModelEntries: {
            /** Data */
            data: components["schemas"]["ModelEntry"][];
            /** Free */
            free: number | null;
            /** Version */
            version: string;
        };
        /**
         * ModelEntry
         * @description A model as `/v1/models` has it, and how it came to be here.
         *
         *     source    a folder of models, the package, a place of its own in the settings, or another server
         *     settings  what `[models.ID]` says, in the file or elsewhere
         */
        ModelEntry: {
            /** Aliases */
            aliases: string[];
            /** Architecture */
            architecture: string;
            /** Capabilities */
            capabilities: string[];
            /** Context */
            context: number;
            /** Created */
            created: number;
            /** Files */
            files: string[];
            /**
             * Format
             * @enum {string}
             */
            format: "gguf" | "mlx" | "whisper" | "remote";
            /** Id */
            id: string;
            /**
             * Object
             * @default model
             * @constant
             */
            object?: "model";
            /**
             * Owned By
             * @default local
             * @constant
             */
            owned_by?: "local";
            /** Parameters */
            parameters: number;
            /** Path */
            path: string | null;
            placement: components["schemas"]["Placement"] | null;
            /** Quantisation */
            quantisation: string;
            /** Reason */
            reason: string | null;
            /** Sampling */
            sampling: {
                [key: string]: number;
            };
            /** Settings */
            settings: {
                [key: string]: unknown;
            };
            /** Size */
            size: number;
            /**
             * Source
             * @enum {string}
             */
            source: "folder" | "package" | "settings" | "server";
            /**
             * State
             * @enum {string}
             */
            state: "unloaded" | "starting" | "ready" | "stopping" | "failed";
            /** Trained Context */
            trained_context: number;
        };
        /**
         * ModelFigures
         * @description A model that was asked for since the start, with all its workers of one purpose.
         *
         *     `id` is `model`, with an adapter's name behind a plus and a purpose behind a colon where its workers have one.
         *     `progress` of a load, 0 to 1, by the memory its worker has taken; `last_used`, and `expires_at`, when it goes if
         *     nobody asks for it, are in seconds since 1970.
         */
        ModelFigures: {
            /** Active */
            active: number;
            /** Context */
            context: number;
            /** Expires At */
            expires_at: number | null;
            /**
             * Format
             * @enum {string}
             */
            format: "gguf" | "mlx" | "whisper" | "remote";
            /** Id */
            id: string;
            /** Last Used */
            last_used: number | null;
            /** Model */
            model: string;
            placement: components["schemas"]["Placement"] | null;
            /** Progress */
            progress: number | null;
            /** Reason */
            reason: string | null;
            /** Slots */
            slots: number;
            /**
             * State
             * @enum {string}
             */
            state: "unloaded" | "starting" | "ready" | "stopping" | "failed";
            /** Waiting */
            waiting: number;
        };
        /**
         * ModelGone
         * @description A model that is no more.
         */
        ModelGone: {
            data: components["schemas"]["ModelName"];
            /** Seq */
            seq: number;
            /**
             * Topic
             * @constant
             */
            topic: "models";
            /**
             * Type
             * @constant
             */
            type: "gone";
        };
        /**
         * ModelList
         * @description All models.
         */
        ModelList: {
            /** Data */
            data: components["schemas"]["ModelObject"][];
            /**
             * Object
             * @default list
             * @constant
             */
            object?: "list";
        };
        /**
         * ModelName
         * @description A model by its name.
         */
        ModelName: {
            /** Id */
            id: string;
        };
        /**
         * ModelObject
         * @description A model. `context` is what one request may use in tokens, `size` its weights in bytes.
         *
         *     `sampling`: what its makers advise, which holds where a request says nothing. `placement`: of a loaded one.
         */
        ModelObject: {
            /** Aliases */
            aliases: string[];
            /** Capabilities */
            capabilities: string[];
            /** Context */
            context: number;
            /** Created */
            created: number;
            /**
             * Format
             * @enum {string}
             */
            format: "gguf" | "mlx" | "whisper" | "remote";
            /** Id */
            id: string;
            /**
             * Object
             * @default model
             * @constant
             */
            object?: "model";
            /**
             * Owned By
             * @default local
             * @constant
             */
            owned_by?: "local";
            placement: components["schemas"]["Placement"] | null;
            /** Quantisation */
            quantisation: string;
            /** Reason */
            reason: string | null;
            /** Sampling */
            sampling: {
                [key: string]: number;
            };
            /** Size */
            size: number;
            /**
             * State
             * @enum {string}
             */
            state: "unloaded" | "starting" | "ready" | "stopping" | "failed";
        };
        /**
         * ModelRemoved
         * @description What is gone: the entry in the configuration, and files.
         */
        ModelRemoved: {
            /** Bytes */
            bytes: number;
            /** Entry */
            entry: boolean;
            /** Files */
            files: string[];
            /** Version */
            version: string;
        };
        /**
         * ModelResult
         * @description What is known of one model. Times in seconds, sizes in bytes; `reserved` is what it needs of memory, reckoned.
         *
         *     load        from nothing to ready; `with_load` from nothing to the end of a first answer; None: it never loaded
         *     failed      why there are no more figures, where there are not
         *     disturbed   steps that other requests cut short, and that were taken again
         */
        ModelResult: {
            /** Cells */
            cells: components["schemas"]["CellResult"][];
            /** Context */
            context: number;
            /**
             * Disturbed
             * @default 0
             */
            disturbed?: number;
            /**
             * Failed
             * @default null
             */
            failed?: string | null;
            /**
             * Format
             * @enum {string}
             */
            format: "gguf" | "mlx" | "whisper" | "remote";
            load: components["schemas"]["Spread"] | null;
            /** Model */
            model: string;
            /** Parameters */
            parameters: number;
            peak: components["schemas"]["Peak"];
            /** @default null */
            quality?: components["schemas"]["Quality"] | null;
            /** Quantisation */
            quantisation: string;
            /** Reserved */
            reserved: number;
            /** Size */
            size: number;
            /** Slots */
            slots: number;
            with_load: components["schemas"]["Spread"] | null;
        };
        /**
         * ModelSaved
         * @description The model as it is now. `reload`: its worker was loaded by other options, and goes when its last request ends.
         */
        ModelSaved: {
            model: components["schemas"]["ModelEntry"];
            /**
             * Reload
             * @default false
             */
            reload?: boolean;
            /** Version */
            version: string;
        };
        /**
         * ModelStateAnswer
         * @description A model that was asked for since the start.
         */
        ModelStateAnswer: {
            /** Id */
            id: string;
            /**
             * State
             * @enum {string}
             */
            state: "unloaded" | "starting" | "ready" | "stopping" | "failed";
        };
        /**
         * ModelsData
         * @description Every model that was asked for since the start.
         */
        ModelsData: {
            /** Models */
            models: components["schemas"]["ModelFigures"][];
        };
        /**
         * ModelsListed
         * @description A model has come, gone, or has other settings: `GET /api/v1/models` lists them.
         */
        ModelsListed: {
            data: components["schemas"]["NothingMore"];
            /** Seq */
            seq: number;
            /**
             * Topic
             * @constant
             */
            topic: "models";
            /**
             * Type
             * @constant
             */
            type: "listed";
        };
        /**
         * ModelsSnapshot
         * @description All models.
         */
        ModelsSnapshot: {
            data: components["schemas"]["ModelsData"];
            /** Seq */
            seq: number;
            /**
             * Topic
             * @constant
             */
            topic: "models";
            /**
             * Type
             * @constant
             */
            type: "snapshot";
        };
        /**
         * NeedAnswer
         * @description Bytes by purpose: RAM, and those on GPUs.
         */
        NeedAnswer: {
            /** Cache */
            cache: number;
            /** Copies */
            copies: number;
            /** Device */
            device: number;
            /** Kv */
            kv: number;
            /** Process */
            process: number;
            /** Scratch */
            scratch: number;
            /** Weights */
            weights: number;
        };
        /**
         * NewChat
         * @description A conversation to begin.
         */
        NewChat: {
            /**
             * Folder
             * @default null
             */
            folder?: string | null;
            /**
             * Model
             * @default null
             */
            model?: string | null;
            /**
             * Params
             * @description Fields of /v1/chat/completions by their names.
             */
            params?: {
                [key: string]: unknown;
            };
            /**
             * System Prompt
             * @default
             */
            system_prompt?: string;
            /**
             * Title
             * @default null
             */
            title?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * NewChatDefaults
         * @description What new conversations are to begin with: a model's id and a preset's, null for none.
         */
        NewChatDefaults: {
            /**
             * Model
             * @default null
             */
            model?: string | null;
            /**
             * Preset
             * @default null
             */
            preset?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * NewDownload
         * @description What to download: `repo` as `owner/name`, with `choice` a quantisation or a file of it.
         */
        NewDownload: {
            /**
             * Choice
             * @description Empty for an MLX folder, or the only GGUF model there.
             * @default null
             */
            choice?: string | null;
            /** Repo */
            repo: string;
        } & {
            [key: string]: unknown;
        };
        /**
         * NewKeyAnswer
         * @description A new key; `key` is shown this once.
         */
        NewKeyAnswer: {
            /** Account */
            account: string | null;
            /** Created */
            created: number;
            /** Endpoints */
            endpoints: string[];
            /** Expires */
            expires: number | null;
            /** Id */
            id: string;
            /** Key */
            key: string;
            limits: components["schemas"]["LimitsAnswer"];
            /** Models */
            models: string[];
            /** Name */
            name: string;
            /** Prefix */
            prefix: string;
            /** Priority */
            priority: number;
            /** Read Only */
            read_only: boolean;
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "member" | "admin";
            /** Usage */
            usage: components["schemas"]["UsageOfDay"][];
            /** Used */
            used: number | null;
        };
        /**
         * NewMessage
         * @description A message; `parent_id` is the one it follows, null for one that begins the conversation anew.
         */
        NewMessage: {
            /**
             * Parent Id
             * @default null
             */
            parent_id?: string | null;
            /** Parts */
            parts: components["schemas"]["NewPart"][];
            /**
             * Role
             * @default user
             * @enum {string}
             */
            role?: "user" | "tool" | "assistant";
        } & {
            [key: string]: unknown;
        };
        /**
         * NewModel
         * @description A model to be served from where it lies; `test` says what would become of it and writes nothing.
         */
        NewModel: {
            /**
             * Format
             * @description Refused if it is another.
             * @default null
             */
            format?: ("gguf" | "mlx") | null;
            /**
             * Id
             * @description Empty: after its file.
             * @default null
             */
            id?: string | null;
            /** Path */
            path: string;
            /**
             * Settings
             * @description As `[models.ID]` has them.
             * @default {}
             */
            settings?: {
                [key: string]: unknown;
            };
            /**
             * Test
             * @default false
             */
            test?: boolean;
            /**
             * Version
             * @default null
             */
            version?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * NewPart
         * @description A part: `text` with the text; `tool_result` with its `tool_call_id` and `text`; others with a `file_id`.
         *
         *     `reasoning` and `tool_call` as they are in answers.
         */
        NewPart: {
            /**
             * Arguments
             * @default null
             */
            arguments?: string | null;
            /**
             * Bytes
             * @description Of the file; what is sent here changes nothing.
             * @default null
             */
            bytes?: unknown;
            /**
             * File Id
             * @default null
             */
            file_id?: string | null;
            /**
             * Id
             * @default null
             */
            id?: string | null;
            /**
             * Media Type
             * @description Of the file; what is sent here changes nothing.
             * @default null
             */
            media_type?: unknown;
            /**
             * Name
             * @default null
             */
            name?: string | null;
            /**
             * Seconds
             * @default null
             */
            seconds?: number | null;
            /**
             * Text
             * @default null
             */
            text?: string | null;
            /**
             * Tool Call Id
             * @default null
             */
            tool_call_id?: string | null;
            /**
             * Type
             * @enum {string}
             */
            type: "text" | "reasoning" | "tool_call" | "tool_result" | "image" | "audio" | "file";
        } & {
            [key: string]: unknown;
        };
        /**
         * NewPreset
         * @description A preset.
         */
        NewPreset: {
            /** Name */
            name: string;
            /**
             * Params
             * @description Fields of /v1/chat/completions by their names.
             */
            params?: {
                [key: string]: unknown;
            };
            /**
             * System Prompt
             * @default
             */
            system_prompt?: string;
        } & {
            [key: string]: unknown;
        };
        /**
         * NewRun
         * @description An answer to be written behind `parent_id`; what is not said is as the conversation has it.
         */
        NewRun: {
            /**
             * Continue
             * @description Go on with the assistant's message `parent_id` itself.
             * @default null
             */
            continue?: boolean | null;
            /**
             * Model
             * @default null
             */
            model?: string | null;
            /**
             * Params
             * @description Over the conversation's own; null takes one back.
             * @default null
             */
            params?: {
                [key: string]: unknown;
            } | null;
            /** Parent Id */
            parent_id: string;
            /**
             * Tools
             * @description As in /v1/chat/completions.
             * @default null
             */
            tools?: {
                [key: string]: unknown;
            }[] | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * NothingMore
         * @description Nothing is said beside that it is so.
         */
        NothingMore: Record<string, never>;
        /**
         * NumberedLine
         * @description A line of the log with its number, as `log_after` has it.
         */
        NumberedLine: {
            /**
             * Dropped
             * @default null
             */
            dropped?: number | null;
            /**
             * Level
             * @default null
             */
            level?: string | null;
            /**
             * Message
             * @default null
             */
            message?: string | null;
            /** Number */
            number: number;
            /**
             * Source
             * @enum {string}
             */
            source: "gateway" | "worker";
            /**
             * Timestamp
             * @default null
             */
            timestamp?: string | null;
        } & {
            [key: string]: unknown;
        };
        OllamaError: {
            code: string | null;
            error: string;
            param: string | null;
        };
        /**
         * OllamaVersion
         * @description `version` is that of the API, `dovetail` the server's own.
         */
        OllamaVersion: {
            /** Dovetail */
            dovetail: string;
            /** Version */
            version: string;
        };
        /**
         * PasswordRequest
         * @description The body of `/auth/password`.
         */
        PasswordRequest: {
            /** New Password */
            new_password: string;
            /** Password */
            password: string;
        } & {
            [key: string]: unknown;
        };
        /**
         * Peak
         * @description The most memory a worker and all that it started took, in bytes; `vram_reason` says why there is no number.
         */
        Peak: {
            /**
             * Ram
             * @default null
             */
            ram?: number | null;
            /**
             * Vram
             * @default null
             */
            vram?: number | null;
            /**
             * Vram Reason
             * @default null
             */
            vram_reason?: string | null;
        };
        /**
         * Percentiles
         * @description By the nearest rank.
         */
        Percentiles: {
            /** P50 */
            p50: number;
            /** P95 */
            p95: number;
            /** P99 */
            p99: number;
        };
        /**
         * Placement
         * @description What a loaded model takes, in bytes: RAM now (null while unknown), RAM kept for it, and of GPUs.
         *
         *     `gpu_layers` of its `layers` are on GPUs; 0 of 0 where an engine does not count them.
         */
        Placement: {
            /** Device Memory */
            device_memory: number;
            /** Gpu Layers */
            gpu_layers: number;
            /** Layers */
            layers: number;
            /** Memory */
            memory: number | null;
            /** Reserved */
            reserved: number;
        };
        /**
         * Plan
         * @description What is to be measured. Rounds go over all models, so that no model has the machine's best or worst hour alone.
         *
         *     repeats   rounds; `warmup`: one more run of each cell first, which does not count
         */
        Plan: {
            /**
             * Gens
             * @default [
             *       128
             *     ]
             */
            gens?: number[];
            /** Models */
            models: string[];
            /**
             * Name
             * @default
             */
            name?: string;
            /**
             * Prompts
             * @default [
             *       512
             *     ]
             */
            prompts?: number[];
            /** @default null */
            quality?: components["schemas"]["QualityPlan"] | null;
            /**
             * Repeats
             * @default 3
             */
            repeats?: number;
            /**
             * Streams
             * @default [
             *       1
             *     ]
             */
            streams?: number[];
            /**
             * Warmup
             * @default true
             */
            warmup?: boolean;
        };
        /**
         * PresetList
         * @description By name.
         */
        PresetList: {
            /** Data */
            data: components["schemas"]["PresetObject"][];
        };
        /**
         * PresetObject
         * @description A system prompt and parameters under a name.
         */
        PresetObject: {
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Params */
            params: {
                [key: string]: unknown;
            };
            /** System Prompt */
            system_prompt: string;
            /** Updated At */
            updated_at: number;
        };
        /**
         * ProcessFigures
         * @description The gateway, or a worker with everything it started: percent of one CPU, bytes of RAM and of GPUs' memory.
         */
        ProcessFigures: {
            /** Cpu */
            cpu: number | components["schemas"]["UnknownFigure"];
            /** Memory */
            memory: number | components["schemas"]["UnknownFigure"];
            /** Name */
            name: string;
            /** Vram */
            vram: number | components["schemas"]["UnknownFigure"];
        };
        /**
         * Progress
         * @description Where a benchmark is. `left` in seconds, a guess; `held_up` says why nothing is measured now.
         *
         *     tokens, rate   of the answers under way: pieces so far, and a second; of a text that is scored, its places
         */
        Progress: {
            /** Done */
            done: number;
            /**
             * Held Up
             * @default null
             */
            held_up?: string | null;
            /** Left */
            left: number;
            /**
             * Rate
             * @default null
             */
            rate?: number | null;
            /** @default null */
            step?: components["schemas"]["Step"] | null;
            /**
             * Tokens
             * @default 0
             */
            tokens?: number;
            /** Total */
            total: number;
        };
        /**
         * PropsAnswer
         * @description llama-server's description of a model; `is_sleeping` until it is loaded.
         */
        PropsAnswer: {
            /** Bos Token */
            bos_token: string;
            /** Build Info */
            build_info: string;
            calibration: components["schemas"]["CalibrationAnswer"];
            /** Chat Template */
            chat_template: string;
            /** Chat Template Caps */
            chat_template_caps: {
                [key: string]: unknown;
            };
            default_generation_settings: components["schemas"]["GenerationSettings"];
            /** Eos Token */
            eos_token: string;
            /** Is Sleeping */
            is_sleeping: boolean;
            modalities: components["schemas"]["Modalities"];
            /** Model Alias */
            model_alias: string;
            /** Model Path */
            model_path: string;
            placement: components["schemas"]["Placement"] | null;
            /** Total Slots */
            total_slots: number;
        };
        /**
         * Quality
         * @description How well a model predicts a text.
         *
         *     perplexity, perplexity_sd   over `positions` tokens, and the standard error
         *     bits_a_byte                 the same, comparable between models of different vocabularies
         *     unscored                    positions left out, because no engine says what it thinks of half a character
         */
        Quality: {
            /** Bits A Byte */
            bits_a_byte: number;
            /** @default null */
            divergence?: components["schemas"]["Divergence"] | null;
            /**
             * No Divergence
             * @default null
             */
            no_divergence?: string | null;
            /** Perplexity */
            perplexity: number;
            /** Perplexity Sd */
            perplexity_sd: number;
            /** Positions */
            positions: number;
            /** Seconds */
            seconds: number;
            /** Unscored */
            unscored: number;
            /** Window */
            window: number;
        };
        /**
         * QualityBody
         * @description How well each model predicts a text, and how far it is from the reference.
         */
        QualityBody: {
            /**
             * Positions
             * @default 256
             */
            positions?: number;
            /**
             * Reference
             * @description One of the models; null: the first.
             * @default null
             */
            reference?: string | null;
            /**
             * Text
             * @description Empty: the package's own.
             * @default
             */
            text?: string;
            /**
             * Top
             * @description Tokens compared by themselves.
             * @default 64
             */
            top?: number;
            /**
             * Window
             * @default 512
             */
            window?: number;
        } & {
            [key: string]: unknown;
        };
        /**
         * QualityPlan
         * @description What a model's quality is measured by.
         *
         *     text        "" is the package's own
         *     reference   the model that others are compared with; None: the first
         */
        QualityPlan: {
            /**
             * Positions
             * @default 256
             */
            positions?: number;
            /**
             * Reference
             * @default null
             */
            reference?: string | null;
            /**
             * Text
             * @default
             */
            text?: string;
            /**
             * Top
             * @default 64
             */
            top?: number;
            /**
             * Window
             * @default 512
             */
            window?: number;
        };
        /**
         * Quantiles
         * @description Seconds that half, 95 and 99 of a hundred stayed below, since the start.
         */
        Quantiles: {
            /** P50 */
            p50: number;
            /** P95 */
            p95: number;
            /** P99 */
            p99: number;
        };
        /**
         * Reading
         * @description The figures of now, of one `model` where it was asked for by name; the machine's and the store's are all's.
         *
         *     `at` is in seconds since 1970; `queue_length` is what waits, as in `requests.waiting`; `capture`
         *     is whether prompts and replies are being written to a file.
         */
        Reading: {
            /** At */
            at: number;
            /** Capture */
            capture: boolean;
            kv_store: components["schemas"]["StoreFigures"];
            machine: components["schemas"]["MachineFigures"];
            memory: components["schemas"]["MemoryFigures"];
            /** Model */
            model: string | null;
            /** Models */
            models: components["schemas"]["ModelFigures"][];
            /** Queue Length */
            queue_length: number;
            /** Ready */
            ready: boolean;
            requests: components["schemas"]["RequestFigures"];
            seconds: components["schemas"]["TimeFigures"];
            slots: components["schemas"]["SlotFigures"];
            tokens: components["schemas"]["TokenFigures"];
            tokens_per_second: components["schemas"]["TokenRates"];
        };
        /**
         * ReasoningTokens
         * @description `completion_tokens_details`.
         */
        ReasoningTokens: {
            /** Reasoning Tokens */
            reasoning_tokens: number;
        };
        /**
         * RemovalAnswer
         * @description What removing a model would take: its entry in the configuration, and `files` with all their bytes.
         *
         *     `problem` is why its files stay; then there are none here.
         */
        RemovalAnswer: {
            /** Bytes */
            bytes: number;
            /** Entry */
            entry: boolean;
            /** Files */
            files: components["schemas"]["FileAnswer"][];
            /** Problem */
            problem: string | null;
        };
        /**
         * RequestAnswer
         * @description A request under way.
         *
         *     `number` is its own, `id` its `x-request-id`, `worker` the worker it waits for or runs on, empty while that is not
         *     known. `position` and `wait` (seconds, a guess) in line, 0 and null when it is not there. `params` are its fields as
         *     they were sent; of texts, lists and objects only the length.
         */
        RequestAnswer: {
            /** Caller */
            caller: string;
            /** Id */
            id: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "generation" | "embedding" | "ranking" | "token count" | "transcription" | "load";
            /** Model */
            model: string;
            /** Number */
            number: number;
            /** Output Tokens */
            output_tokens: number;
            /** Params */
            params: {
                [key: string]: unknown;
            };
            /**
             * Phase
             * @enum {string}
             */
            phase: "starting" | "loading" | "queued" | "prefill" | "decoding";
            /** Position */
            position: number;
            /** Prefilled Tokens */
            prefilled_tokens: number;
            /** Prompt Tokens */
            prompt_tokens: number;
            /** Started */
            started: number;
            /** Wait */
            wait: number | null;
            /** Worker */
            worker: string;
        };
        /**
         * RequestChanged
         * @description A request as it is now.
         */
        RequestChanged: {
            data: components["schemas"]["RequestAnswer"];
            /** Seq */
            seq: number;
            /**
             * Topic
             * @constant
             */
            topic: "requests";
            /**
             * Type
             * @constant
             */
            type: "changed";
        };
        /**
         * RequestEnded
         * @description A request that has ended, as the journal shows it; one that was refused before it reached a model has none.
         */
        RequestEnded: {
            data: components["schemas"]["EndedRequest"];
            /** Seq */
            seq: number;
            /**
             * Topic
             * @constant
             */
            topic: "requests";
            /**
             * Type
             * @constant
             */
            type: "ended";
        };
        /**
         * RequestFigures
         * @description Requests for answers that run and that wait now; all that have ended since the start, and those that failed.
         */
        RequestFigures: {
            /** Failed */
            failed: number;
            /** Running */
            running: number;
            /** Total */
            total: number;
            /** Waiting */
            waiting: number;
        };
        /**
         * RequestGone
         * @description A request that has ended.
         */
        RequestGone: {
            data: components["schemas"]["RequestNumber"];
            /** Seq */
            seq: number;
            /**
             * Topic
             * @constant
             */
            topic: "requests";
            /**
             * Type
             * @constant
             */
            type: "gone";
        };
        /**
         * RequestList
         * @description All requests under way, oldest first.
         */
        RequestList: {
            /** Data */
            data: components["schemas"]["RequestAnswer"][];
            /**
             * Object
             * @default list
             * @constant
             */
            object?: "list";
        };
        /**
         * RequestNumber
         * @description A request by its number.
         */
        RequestNumber: {
            /** Number */
            number: number;
        };
        /**
         * RequestsData
         * @description The requests under way that the caller may see.
         */
        RequestsData: {
            /** Requests */
            requests: components["schemas"]["RequestAnswer"][];
        };
        /**
         * RequestsSnapshot
         * @description All of them.
         */
        RequestsSnapshot: {
            data: components["schemas"]["RequestsData"];
            /** Seq */
            seq: number;
            /**
             * Topic
             * @constant
             */
            topic: "requests";
            /**
             * Type
             * @constant
             */
            type: "snapshot";
        };
        /**
         * Resync
         * @description More has happened than is kept: what the client knows of the topic is void, its snapshot follows.
         */
        Resync: {
            /** Data */
            data: {
                [key: string]: unknown;
            };
            /** Seq */
            seq: number;
            /**
             * Topic
             * @enum {string}
             */
            topic: "metrics" | "models" | "downloads" | "requests" | "bench" | "logs";
            /**
             * Type
             * @constant
             */
            type: "resync";
        };
        /**
         * RunDelta
         * @description More text for part number `part`, which begins with it where there is none of that number.
         */
        RunDelta: {
            /**
             * Kind
             * @enum {string}
             */
            kind: "text" | "reasoning";
            /** Part */
            part: number;
            /** Seq */
            seq: number;
            /** Text */
            text: string;
            /**
             * Type
             * @constant
             */
            type: "delta";
        };
        /**
         * RunDone
         * @description The last event: the whole message as it is kept, with its figures, and why if it is not whole.
         */
        RunDone: {
            message: components["schemas"]["ChatMessage"];
            /** Seq */
            seq: number;
            /**
             * Type
             * @constant
             */
            type: "done";
        };
        /**
         * RunEvent
         * @description One event of a run; `seq` is its `id`, behind which a client that comes back goes on.
         */
        RunEvent: components["schemas"]["RunSnapshot"] | components["schemas"]["RunPhase"] | components["schemas"]["RunDelta"] | components["schemas"]["RunToolCall"] | components["schemas"]["RunDone"];
        /**
         * RunPhase
         * @description What the answer waits for, or does; figures that have no place in the phase are null.
         *
         *     `position` in line and about how many seconds (`wait`); `progress` of the load of `model`, 0 to 1; prompt tokens in
         *     all (`total`), known before (`cached`) and read until now (`done`), how many a second and about how many seconds
         *     more (`wait`), once it has been read for half a second; `tokens` written and how many a second.
         */
        RunPhase: {
            /** Cached */
            cached: number | null;
            /** Done */
            done: number | null;
            /** Model */
            model: string | null;
            /** Per Second */
            per_second: number | null;
            /**
             * Phase
             * @enum {string}
             */
            phase: "starting" | "queued" | "loading" | "reading" | "thinking" | "answering";
            /** Position */
            position: number | null;
            /** Progress */
            progress: number | null;
            /** Seq */
            seq: number;
            /** Tokens */
            tokens: number | null;
            /** Total */
            total: number | null;
            /**
             * Type
             * @constant
             */
            type: "phase";
            /** Wait */
            wait: number | null;
        };
        /**
         * RunPhaseNow
         * @description The phase that a listener finds.
         */
        RunPhaseNow: {
            /** Cached */
            cached: number | null;
            /** Done */
            done: number | null;
            /** Model */
            model: string | null;
            /** Per Second */
            per_second: number | null;
            /**
             * Phase
             * @enum {string}
             */
            phase: "starting" | "queued" | "loading" | "reading" | "thinking" | "answering";
            /** Position */
            position: number | null;
            /** Progress */
            progress: number | null;
            /**
             * Seq
             * @default 0
             */
            seq?: number;
            /** Tokens */
            tokens: number | null;
            /** Total */
            total: number | null;
            /**
             * Type
             * @constant
             */
            type: "phase";
            /** Wait */
            wait: number | null;
        };
        /**
         * RunSnapshot
         * @description The message so far, with which every listener begins; what was heard before is void. `phase`: null at the end.
         */
        RunSnapshot: {
            message: components["schemas"]["ChatMessage"];
            phase: components["schemas"]["RunPhaseNow"] | null;
            /** Seq */
            seq: number;
            /**
             * Type
             * @constant
             */
            type: "snapshot";
        };
        /**
         * RunStarted
         * @description An answer has begun: `message_id` is the message that it is written into.
         */
        RunStarted: {
            chat: components["schemas"]["ChatSummary"];
            message: components["schemas"]["ChatMessage"];
            /** Message Id */
            message_id: string;
            /** Run Id */
            run_id: string;
        };
        /**
         * RunStopped
         * @description How the answer is now that it has ended.
         */
        RunStopped: {
            message: components["schemas"]["ChatMessage"];
            /** Run Id */
            run_id: string;
        };
        /**
         * RunToolCall
         * @description More `arguments` for the tool call that is part number `part`.
         */
        RunToolCall: {
            /** Arguments */
            arguments: string;
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Part */
            part: number;
            /** Seq */
            seq: number;
            /**
             * Type
             * @constant
             */
            type: "tool_call";
        };
        /**
         * SessionList
         * @description Sessions, the last used first.
         */
        SessionList: {
            /** Data */
            data: components["schemas"]["SessionObject"][];
        };
        /**
         * SessionObject
         * @description A login; times are seconds since 1970.
         */
        SessionObject: {
            /** Address */
            address: string;
            /** Agent */
            agent: string;
            /** Created */
            created: number;
            /** Current */
            current: boolean;
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Used */
            used: number;
        };
        /**
         * Setup
         * @description What the figures were measured on: they hold for nothing else.
         */
        Setup: {
            /** Cores */
            cores: number;
            /** Gpus */
            gpus: string[];
            /** Memory */
            memory: number;
            /** Processor */
            processor: string;
            /** System */
            system: string;
            /** Versions */
            versions: [
                string,
                string
            ][];
        };
        /**
         * SetupRequest
         * @description The body of `/auth/setup`; `code` stands in the server's log where others than this machine's users reach it.
         */
        SetupRequest: {
            /**
             * Code
             * @default null
             */
            code?: string | null;
            /**
             * Name
             * @default admin
             */
            name?: string;
            /** Password */
            password: string;
        } & {
            [key: string]: unknown;
        };
        /**
         * SlotFigures
         * @description Slots of the models that are loaded.
         */
        SlotFigures: {
            /** Busy */
            busy: number;
            /** Total */
            total: number;
        };
        /**
         * SpeechStatus
         * @description Whether recordings are written down. `message`: what to do where they are not.
         *
         *     installed  whether the extra `speech` is there
         *     progress   of a model that is being downloaded, from 0 to 1
         */
        SpeechStatus: {
            /** Enabled */
            enabled: boolean;
            /** Installed */
            installed: boolean;
            /** Message */
            message: string | null;
            /** Model */
            model: string | null;
            /** Progress */
            progress: number | null;
            /** Ready */
            ready: boolean;
            /**
             * Status
             * @enum {string}
             */
            status: "disabled" | "missing" | "downloading" | "unloaded" | "starting" | "ready" | "stopping" | "failed";
        };
        /**
         * Spread
         * @description What several measurements of one thing came to; `sd` is their standard deviation, 0 for a single one.
         */
        Spread: {
            /** Count */
            count: number;
            /** Max */
            max: number;
            /** Median */
            median: number;
            /** Min */
            min: number;
            /** Sd */
            sd: number;
        };
        /**
         * Step
         * @description One thing to do; `round` counts repeats from 1.
         */
        Step: {
            /** @default null */
            cell?: components["schemas"]["Cell"] | null;
            /**
             * Kind
             * @enum {string}
             */
            kind: "load" | "warm-up" | "repeat" | "quality";
            /** Model */
            model: string;
            /**
             * Round
             * @default 0
             */
            round?: number;
        };
        /**
         * StoreFigures
         * @description Prompt caches on disk: bytes, conversations, and the bytes they may have.
         */
        StoreFigures: {
            /** Bytes */
            bytes: number;
            /** Files */
            files: number;
            /** Limit */
            limit: number;
        };
        /**
         * TensorAnswer
         * @description One tensor; of a GGUF file the fastest dimension comes first.
         */
        TensorAnswer: {
            /** Bytes */
            bytes: number;
            /** Name */
            name: string;
            /** Shape */
            shape: number[];
            /** Type */
            type: string;
        };
        /**
         * TimeFigures
         * @description Of whole requests, to the first token, from token to token, and in line; null where there were none.
         */
        TimeFigures: {
            duration: components["schemas"]["Quantiles"] | null;
            first_token: components["schemas"]["Quantiles"] | null;
            inter_token: components["schemas"]["Quantiles"] | null;
            queue: components["schemas"]["Quantiles"] | null;
        };
        /**
         * TokenFigures
         * @description Tokens since the start, of requests that have ended: prompts, what of them a cache had, answers.
         */
        TokenFigures: {
            /** Cached */
            cached: number;
            /** Generated */
            generated: number;
            /** Prompt */
            prompt: number;
        };
        /**
         * TokenRates
         * @description Tokens a second now, of all requests together: of prompts that are computed, and pieces of answers.
         */
        TokenRates: {
            /** Generated */
            generated: number;
            /** Prompt */
            prompt: number;
        };
        /**
         * TypeShareAnswer
         * @description Tensors of one type, their bytes, and the part of all bytes that they are.
         */
        TypeShareAnswer: {
            /** Bytes */
            bytes: number;
            /** Percent */
            percent: number;
            /** Tensors */
            tensors: number;
            /** Type */
            type: string;
        };
        /**
         * UnknownFigure
         * @description Stands where a number would, and says why there is none.
         */
        UnknownFigure: {
            /** Unknown */
            unknown: string;
        };
        /**
         * UsageAnswer
         * @description Token counts; with `use_kv_cache` what the prompt cache had, and times in seconds.
         */
        UsageAnswer: {
            /** Completion Tokens */
            completion_tokens: number;
            /** @default null */
            completion_tokens_details?: components["schemas"]["ReasoningTokens"] | null;
            /**
             * Generation Time
             * @default null
             */
            generation_time?: number | null;
            /** @default null */
            kv_cache?: components["schemas"]["CacheUse"] | null;
            /**
             * Prompt Eval Time
             * @default null
             */
            prompt_eval_time?: number | null;
            /** Prompt Tokens */
            prompt_tokens: number;
            prompt_tokens_details: components["schemas"]["CachedTokens"];
            /** Total Tokens */
            total_tokens: number;
        };
        /**
         * UsageOfDay
         * @description What a key did with a model on a day (UTC).
         */
        UsageOfDay: {
            /** Completion Tokens */
            completion_tokens: number;
            /** Day */
            day: string;
            /** Model */
            model: string;
            /** Prompt Tokens */
            prompt_tokens: number;
            /** Requests */
            requests: number;
        };
        /**
         * UserChange
         * @description What is to change of an account; a new password ends its sessions.
         */
        UserChange: {
            /**
             * Password
             * @default null
             */
            password?: string | null;
            /**
             * Role
             * @default null
             */
            role?: ("viewer" | "member" | "admin") | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * UserList
         * @description Accounts, the super-admin first.
         */
        UserList: {
            /** Data */
            data: components["schemas"]["UserObject"][];
        };
        /**
         * UserObject
         * @description An account; the super-admin's beginning is not known.
         */
        UserObject: {
            /** Created */
            created: number | null;
            /** Name */
            name: string;
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "member" | "admin";
            /** Super Admin */
            super_admin: boolean;
        };
        /**
         * UserRequest
         * @description An account to be made.
         */
        UserRequest: {
            /** Name */
            name: string;
            /** Password */
            password: string;
            /**
             * Role
             * @default member
             * @enum {string}
             */
            role?: "viewer" | "member" | "admin";
        } & {
            [key: string]: unknown;
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
    about: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["About"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listBenchmarks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BenchmarkList"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    startBenchmark: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BenchmarkRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BenchmarkAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    askBenchmark: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AskRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AskAnswer"];
                    "text/event-stream": {
                        data: string | "[DONE]" | unknown;
                    };
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    estimateBenchmark: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BenchmarkRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BenchmarkEstimate"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getBenchmark: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BenchmarkAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteBenchmark: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    cancelBenchmark: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    exportBenchmark: {
        parameters: {
            query?: {
                /** @description json when unsaid. */
                format?: "json" | "csv" | "md" | "svg" | "html";
                /** @description The id of a benchmark to compare with. */
                baseline?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    showCapture: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CaptureAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    beginCapture: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CaptureRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CaptureAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    endCapture: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CaptureAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    chatDefaults: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatDefaults"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    putChatDefaults: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewChatDefaults"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatDefaults"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listChats: {
        parameters: {
            query?: {
                /** @description A text that stands in the title or in a message; then there are no pages. */
                q?: string;
                /** @description Only those of this folder. */
                folder?: string;
                /** @description `next` of the page before this one. */
                after?: string;
                /** @description How many at most. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatList"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createChat: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewChat"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatSummary"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteAllChats: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatsDeleted"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    exportChats: {
        parameters: {
            query?: {
                /** @description Of conversations, separated by commas; without any, all, with the presets. */
                ids?: string;
                /** @description md: one conversation to read, the branch that is shown. */
                format?: "json" | "md";
                /** @description With the bytes of images, sounds and texts. */
                files?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatExport"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    importChats: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": string;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImportAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getChat: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatObject"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteChat: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    changeChat: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChatChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatSummary"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    addChatFile: {
        parameters: {
            query?: {
                /** @description What it is called. */
                name?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": string;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatFilePart"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    addChatMessage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewMessage"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatChanged"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    changeChatMessage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                message_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MessageChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatChanged"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    restoreChat: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatSummary"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    startRun: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRun"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunStarted"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    showConfig: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    changeConfig: {
        parameters: {
            query?: never;
            header?: {
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfigChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listDownloads: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DownloadList"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    startDownload: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewDownload"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DownloadAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    forgetDownload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    cancelDownload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DownloadAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    pauseDownload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DownloadAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    resumeDownload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DownloadAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    retryDownload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DownloadAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    events: {
        parameters: {
            query?: {
                /** @description Separated by commas; without any, all that the caller may hear of. */
                topics?: string;
                /** @description The number of the last log line that the client has. */
                log_after?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": {
                        data: string | "[DONE]" | unknown;
                    };
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getChatFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listFolder: {
        parameters: {
            query?: {
                /** @description A folder; without one, those that there are to begin with. */
                path?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FolderAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    searchHub: {
        parameters: {
            query: {
                q: string;
                format?: "gguf" | "mlx";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HubHits"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listHubFiles: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HubRepository"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listJournal: {
        parameters: {
            query?: {
                /** @description Of this model, by its name. */
                model?: string;
                /** @description Of this caller; for admins. */
                caller?: string;
                /** @description With this status. */
                status?: number;
                /** @description Those with a status below 400, or from it on. */
                outcome?: "ok" | "failed";
                /** @description That came at this time or later, in seconds since 1970. */
                since?: number;
                /** @description That came before this time. */
                until?: number;
                /** @description Requests on a page. */
                limit?: number;
                /** @description The `next` of the page before. */
                before?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JournalPage"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    exportJournal: {
        parameters: {
            query?: {
                /** @description Of this model, by its name. */
                model?: string;
                /** @description Of this caller; for admins. */
                caller?: string;
                /** @description With this status. */
                status?: number;
                /** @description Those with a status below 400, or from it on. */
                outcome?: "ok" | "failed";
                /** @description That came at this time or later, in seconds since 1970. */
                since?: number;
                /** @description That came before this time. */
                until?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A table. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/csv": string;
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    summarizeJournal: {
        parameters: {
            query?: {
                /** @description Of this model, by its name. */
                model?: string;
                /** @description Of this caller; for admins. */
                caller?: string;
                /** @description With this status. */
                status?: number;
                /** @description Those with a status below 400, or from it on. */
                outcome?: "ok" | "failed";
                /** @description That came at this time or later, in seconds since 1970. */
                since?: number;
                /** @description That came before this time. */
                until?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JournalSummary"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listKeys: {
        parameters: {
            query?: {
                /** @description Everybody's. */
                all?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyList"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["KeyRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewKeyAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    revokeKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listModelEntries: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelEntries"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    addModel: {
        parameters: {
            query?: never;
            header?: {
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewModel"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelSaved"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    estimateModel: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EstimateRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EstimateAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listFoundModels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FoundPlaces"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    addFoundModels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddFound"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FoundAdded"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    removeModel: {
        parameters: {
            query?: {
                /** @description Remove the model's files too. */
                files?: boolean;
                /** @description With `files` the model's id once more. */
                confirm?: string;
            };
            header?: {
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelRemoved"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    changeModel: {
        parameters: {
            query?: never;
            header?: {
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ModelChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelSaved"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    modelAdapters: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FittingAdapters"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    modelDetails: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelDetails"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    loadModelEntry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    modelRemoval: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RemovalAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    unloadModelEntry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listPresets: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PresetList"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    putPreset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewPreset"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PresetObject"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deletePreset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listRequests: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestList"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    cancelRequest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                request_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CancelAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    cancelRun: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunStopped"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    runEvents: {
        parameters: {
            query?: {
                /** @description The last event it has; 0: the message so far. So does Last-Event-ID. */
                after?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": {
                        data: string | "[DONE]" | unknown;
                    };
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listSessions: {
        parameters: {
            query?: {
                /** @description Everybody's. */
                all?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionList"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listUsers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserList"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createUser: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    removeUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    changeUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    ollamaVersion: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OllamaVersion"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OllamaError"];
                };
            };
        };
    };
    authLogin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoggedIn"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    authLogout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    changePassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    authSetup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SetupRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoggedIn"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    authStatus: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuthStatus"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    health: {
        parameters: {
            query?: {
                model?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    props: {
        parameters: {
            query?: {
                model?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PropsAnswer"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listModels: {
        parameters: {
            query?: {
                loaded?: "true" | "false";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelList"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    speechStatus: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SpeechStatus"];
                };
            };
            /** @description The request is wrong, and nothing of it was done; `param` names the field at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
}
