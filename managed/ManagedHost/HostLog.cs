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
    public static void Write(LogLevel level, string? module, string message)
    {
        if (Border.Start == null)
            return;
        byte[] bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(message.Length) + 256);
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
        Write(LogLevel.Critical, module, $"unhandled exception ends the process: {end.ExceptionObject}");
    }
}
