// SPDX-License-Identifier: MIT
// Records of ManagedHost itself, and of modules whose own way to the log has ended.
using System;
using System.Buffers;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

internal static unsafe class HostLog
{
    /// <summary>Room for a module's name; a longer one is cut.</summary>
    private const int NameBytes = 256;

    /// <summary>UMH_LOGFMT_LINE_BYTES_MAX: no line has room for more characters.</summary>
    private const int MessageMax = 64 * 1024;

    /// <summary>Of an exception's words: a line is to have room for its stack as well.</summary>
    private const int WordsMax = 8 * 1024;

    private const char Replacement = '\uFFFD';

    /// <summary>Handlers of ProcessExit are others' code, too.</summary>
    private static readonly TimeSpan s_exitPatience = TimeSpan.FromSeconds(5);

    public static void Write(LogLevel level, string? module, string message)
    {
        if (Border.Start == null)
            return;
        message = Fit(message);
        int most = Encoding.UTF8.GetMaxByteCount(message.Length) + NameBytes;
        byte[] bytes = ArrayPool<byte>.Shared.Rent(most);
        int size = Encoding.UTF8.GetBytes(message, bytes);
        Border.Put(module ?? string.Empty, bytes.AsSpan(size));
        fixed (byte* text = bytes)
            Border.Start->Log((uint)level, module is null ? null : text + size, text, (nuint)size);
        ArrayPool<byte>.Shared.Return(bytes);
    }

    /// <summary>What fits a line; a NUL would end the text for the other side.</summary>
    public static string Fit(string text)
    {
        if (text.Length > MessageMax)
            text = text[..MessageMax];
        return text.Contains('\0') ? text.Replace('\0', Replacement) : text;
    }

    /// <summary>An exception's own code may throw; what is said of it never does.</summary>
    public static string TextOf(Exception exception)
    {
        try
        {
            string text = exception.ToString();
            return text.Length <= MessageMax / 2
                ? text
                : $"{text[..WordsMax]} ...\n{exception.StackTrace}";
        }
        catch (Exception inner)
        {
            return $"{exception.GetType()} (its ToString threw {inner.GetType()})";
        }
    }

    /// <summary>Its type and message, in one line.</summary>
    public static string Describe(Exception exception)
    {
        try
        {
            string text = exception.Message;
            if (text.Length > WordsMax)
                text = $"{text[..WordsMax]} ...";
            return $"{exception.GetType()}: {text}";
        }
        catch (Exception inner)
        {
            return $"{exception.GetType()} (its Message threw {inner.GetType()})";
        }
    }

    /// <summary>Whose code it is that runs in a context, for when nothing else tells.</summary>
    public static void Own(AssemblyLoadContext context, ModuleHost host) =>
        Owners.ByContext.Add(context, new Owner(host));

    /// <summary>Null: it is no module's.</summary>
    public static string? NameOf(AssemblyLoadContext context) => Find(context)?.Name;

    /// <summary>The process ends now; this is its last record, in one piece.</summary>
    public static void OnUnhandledException(object sender, UnhandledExceptionEventArgs end)
    {
        Exception? exception = end.ExceptionObject as Exception;
        string what = exception is null ? $"{end.ExceptionObject.GetType()}" : TextOf(exception);
        Owner? owner = Flow.CurrentHost is { } host ? new Owner(host) : null;

        if (owner is null && exception is not null)
            owner = FindOwner(exception);
        owner?.Host?.NoteEnd();
        Write(LogLevel.Critical, owner?.Name, $"unhandled exception ends the process: {what}");
    }

    /// <summary>A task failed and nobody has looked at it: no harm, but somebody's mistake.</summary>
    public static void OnUnobservedException(object? sender, UnobservedTaskExceptionEventArgs end)
    {
        Exception exception = end.Exception.Flatten();

        Write(
            LogLevel.Warning,
            FindOwner(exception)?.Name,
            $"nobody awaited a task that failed: {TextOf(exception.InnerException ?? exception)}");
    }

    /// <summary>
    /// Somebody has called Environment.Exit, which this thread of the runtime's does not know by
    /// name: the broker ends a process without this. Runs before the handlers of modules, and sees
    /// to it that they do not keep the process from ending.
    /// </summary>
    public static void OnProcessExit(object? sender, EventArgs end)
    {
        string what = $"Environment.Exit ends the process with code {Environment.ExitCode}";
        Write(LogLevel.Error, null, what);
        new Thread(EndAfterPatience) { IsBackground = true }.UnsafeStart();
    }

    private static void EndAfterPatience()
    {
        using ManualResetEventSlim never = new();
        never.Wait(s_exitPatience);
        string what =
            $"Environment.Exit has not ended the process within {s_exitPatience.TotalSeconds} s: "
            + "a handler of ProcessExit does not return";
        Write(LogLevel.Critical, null, what);
        Environment.FailFast(what);
    }

    /// <summary>The innermost code of a module in it: what that called may have thrown.</summary>
    private static Owner? FindOwner(Exception exception)
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            foreach (StackFrame frame in new StackTrace(cause).GetFrames())
            {
                if (frame.GetMethod() is MethodBase { Module.Assembly: { } assembly }
                    && AssemblyLoadContext.GetLoadContext(assembly) is { } context
                    && Find(context) is { } owner)
                    return owner;
            }
        }
        return null;
    }

    private static Owner? Find(AssemblyLoadContext context) =>
        Owners.ByContext.TryGetValue(context, out Owner? owner) ? owner : null;

    /// <summary>Made when it is first needed.</summary>
    private static class Owners
    {
        public static readonly ConditionalWeakTable<AssemblyLoadContext, Owner> ByContext = [];
    }

    /// <summary>
    /// Does not hold the module's host, by which the context would be held in turn.
    /// </summary>
    private sealed class Owner(ModuleHost host)
    {
        private readonly WeakReference<ModuleHost> _host = new(host);

        public string Name { get; } = host.Identity.Name;

        public ModuleHost? Host => _host.TryGetTarget(out ModuleHost? host) ? host : null;
    }
}
