// SPDX-License-Identifier: MIT
// Records of ManagedHost itself, and of modules whose own way to the log has ended.
using System;
using System.Buffers;
using System.Runtime.Loader;
using System.Text;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

internal static unsafe class HostLog
{
    /// <summary>Room for a module's name; a longer one is cut.</summary>
    private const int NameBytes = 256;

    public static void Write(LogLevel level, string? module, string message)
    {
        if (Border.Start == null)
            return;
        int most = Encoding.UTF8.GetMaxByteCount(message.Length) + NameBytes;
        byte[] bytes = ArrayPool<byte>.Shared.Rent(most);
        int size = Encoding.UTF8.GetBytes(message, bytes);
        Border.Put(module ?? string.Empty, bytes.AsSpan(size));
        fixed (byte* text = bytes)
            Border.Start->Log((uint)level, module is null ? null : text + size, text, (nuint)size);
        ArrayPool<byte>.Shared.Return(bytes);
    }

    /// <summary>The process ends now; this is its last record, in one piece.</summary>
    public static void OnUnhandledException(object sender, UnhandledExceptionEventArgs end)
    {
        string? module = Flow.CurrentHost?.Identity.Name;
        if (module is null
            && end.ExceptionObject is Exception { TargetSite.Module.Assembly: { } assembly }
            && AssemblyLoadContext.GetLoadContext(assembly) is { IsCollectible: true } context)
            module = context.Name;
        string what = $"unhandled exception ends the process: {end.ExceptionObject}";
        Write(LogLevel.Critical, module, what);
    }
}
