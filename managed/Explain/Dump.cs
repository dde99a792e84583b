// SPDX-License-Identifier: MIT
// A memory image of another process, in a file that nobody else can open.
using System;
using System.IO;
using Microsoft.Diagnostics.NETCore.Client;

namespace UniversalModuleHost.Explain;

internal static class Dump
{
    /// <summary>
    /// What the runtime of <paramref name="pid"/> writes by its createdump. The file has no name
    /// any more before the first byte is in it, so that it goes with this process, however that
    /// ends.
    /// </summary>
    public static Stream Write(int pid)
    {
        string folder = Directory.CreateTempSubdirectory("umh-explain-").FullName;
        string path = Path.Combine(folder, "memory");
        FileStream stream = new(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            Options = OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None,
        });
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                Directory.Delete(folder, recursive: true);
                nint descriptor = stream.SafeFileHandle.DangerousGetHandle();
                path = $"/proc/{Environment.ProcessId}/fd/{descriptor}";
            }
            new DiagnosticsClient(pid).WriteDump(DumpType.WithHeap, path);
            if (stream.Length == 0)
                throw new IOException("the runtime wrote no memory image");
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }
}
