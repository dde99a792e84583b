// SPDX-License-Identifier: MIT
// Console.Write in a module is a log line of that module.
using System;
using System.IO;
using System.Text;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

/// <summary>Goes into Console.Out and Console.Error, which call it under their own lock.</summary>
internal sealed class ModuleConsole(LogLevel level) : TextWriter
{
    private static TextWriter? s_out;
    private static TextWriter? s_error;

    private readonly StringBuilder _line = new();

    public override Encoding Encoding => Encoding.UTF8;

    public static void Install()
    {
        Console.SetOut(new ModuleConsole(LogLevel.Information));
        Console.SetError(new ModuleConsole(LogLevel.Warning));
        s_out = Console.Out;
        s_error = Console.Error;
    }

    /// <summary>
    /// Console.SetOut is of the whole process: what a module set would take the words of the others
    /// and, being of its types, keep it.
    /// </summary>
    public static void Restore()
    {
        if (s_out is not null && !ReferenceEquals(Console.Out, s_out))
            Console.SetOut(s_out);
        if (s_error is not null && !ReferenceEquals(Console.Error, s_error))
            Console.SetError(s_error);
    }

    public override void Write(char value) => Write([value]);

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(char[] buffer, int index, int count) =>
        Write(buffer.AsSpan(index, count));

    public override void Write(ReadOnlySpan<char> buffer)
    {
        if (Flow.CurrentHost is { } host)
        {
            host.Console.Write(level, buffer);
            return;
        }
        foreach (ReadOnlySpan<char> line in new ConsoleLines.Cut(buffer, _line))
            HostLog.Write(level, null, line.ToString());
    }

    public override void WriteLine(string? value) => WriteLine(value.AsSpan());

    public override void WriteLine(ReadOnlySpan<char> buffer)
    {
        Write(buffer);
        Write('\n');
    }

    public override void WriteLine() => Write('\n');
}

/// <summary>
/// What a module has written to its console and not ended yet, one for each stream.
/// </summary>
internal sealed class ConsoleLines(ModuleHost host)
{
    private readonly StringBuilder _out = new();
    private readonly StringBuilder _error = new();

    public void Write(LogLevel level, ReadOnlySpan<char> text)
    {
        StringBuilder line = level == LogLevel.Information ? _out : _error;
        lock (line)
        {
            foreach (ReadOnlySpan<char> complete in new Cut(text, line))
                host.Log.Write(level, complete.ToString());
        }
    }

    /// <summary>The module has stopped: what has no end of line yet is written.</summary>
    public void End()
    {
        ModuleConsole.Restore();
        if (_out.Length > 0)
            Write(LogLevel.Information, "\n");
        if (_error.Length > 0)
            Write(LogLevel.Warning, "\n");
    }

    /// <summary>
    /// Cuts a text into complete lines; what is left over waits in <paramref name="rest"/>.
    /// </summary>
    public ref struct Cut(ReadOnlySpan<char> text, StringBuilder rest)
    {
        /// <summary>A line that never ends is cut: 32 Ki characters fit a record.</summary>
        private const int LineMax = 32 * 1024;

        private ReadOnlySpan<char> _text = text;

        public ReadOnlySpan<char> Current { get; private set; }

        public readonly Cut GetEnumerator() => this;

        public bool MoveNext()
        {
            int end = _text.IndexOf('\n');
            if (end < 0 && rest.Length + _text.Length < LineMax)
            {
                rest.Append(_text);
                _text = default;
                return false;
            }
            ReadOnlySpan<char> head = end < 0 ? _text : _text[..end];
            _text = end < 0 ? default : _text[(end + 1)..];
            if (rest.Length > 0)
            {
                head = rest.Append(head).ToString();
                rest.Clear();
            }
            Current = head is [.., '\r'] ? head[..^1] : head;
            return true;
        }
    }
}
