// SPDX-License-Identifier: MIT
// Where the reader of dumps finds images: where the process has them, and nowhere else.
using System.Collections.Immutable;
using System.IO;
using System.Runtime.InteropServices;
using Microsoft.Diagnostics.Runtime;

namespace UniversalModuleHost.Explain;

internal sealed class LocalFiles : IFileLocator
{
    public string? FindElfImage(
        string fileName,
        SymbolProperties archivedUnder,
        ImmutableArray<byte> buildId,
        bool checkProperties) => Find(fileName);

    public string? FindMachOImage(
        string fileName,
        SymbolProperties archivedUnder,
        ImmutableArray<byte> uuid,
        bool checkProperties) => Find(fileName);

    public string? FindPEImage(
        string fileName,
        int buildTimeStamp,
        int imageSize,
        bool checkProperties) => Find(fileName);

    public string? FindPEImage(
        string fileName,
        SymbolProperties archivedUnder,
        ImmutableArray<byte> buildIdOrUUID,
        OSPlatform originalPlatform,
        bool checkProperties) => Find(fileName);

    private static string? Find(string fileName) => File.Exists(fileName) ? fileName : null;
}
