// SPDX-License-Identifier: MIT
// What belongs to the process or to a thread, set by one module and felt by another or not.
using System;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace Rogue;

internal static class Shared
{
    private static readonly AsyncLocal<string?> s_local = new();

    public static Func<string, string?>? Find(string verb) => verb switch
    {
        "culture" => SetCulture,
        "default-culture" => SetDefaultCulture,
        "cultures" => _ => Cultures(),
        "directory" => SetDirectory,
        "where" => _ => Where(),
        "starve" => Starve,
        _ => null,
    };

    private static string SetCulture(string name)
    {
        CultureInfo.CurrentCulture = new CultureInfo(name);
        CultureInfo.CurrentUICulture = new CultureInfo(name);
        s_local.Value = name;
        return Cultures();
    }

    private static string SetDefaultCulture(string name)
    {
        // Of no language: whoever writes numbers for programs by it writes nonsense.
        CultureInfo culture = (CultureInfo)new CultureInfo(name).Clone();
        culture.NumberFormat.NegativeSign = "minus";
        culture.NumberFormat.NumberDecimalSeparator = "comma";
        CultureInfo.DefaultThreadCurrentCulture = culture;
        CultureInfo.DefaultThreadCurrentUICulture = culture;
        return Cultures();
    }

    /// <summary>Here, what flowed here, and what a task sees.</summary>
    private static string Cultures()
    {
        string task = Task.Run(static () => CultureInfo.CurrentCulture.Name).Result;
        string here = $"{CultureInfo.CurrentCulture.Name}/{CultureInfo.CurrentUICulture.Name}";
        return $"{here}/{task}/{s_local.Value}";
    }

    private static string SetDirectory(string path)
    {
        Environment.CurrentDirectory = path;
        return Where();
    }

    private static string Where()
    {
        try
        {
            return Environment.CurrentDirectory;
        }
        catch (IOException)
        {
            return "nowhere";
        }
    }

    /// <summary>Takes threads of the pool and does not give them back.</summary>
    private static string Starve(string threads)
    {
        for (int i = int.Parse(threads, CultureInfo.InvariantCulture); i > 0; i--)
            ThreadPool.QueueUserWorkItem(static _ => Endings.Block());
        return "starved";
    }
}
